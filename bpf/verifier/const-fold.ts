import * as O from "../opcode.ts";
import { isConditional, isMayGoto, successors } from "./cfg.ts";
import type { Env, KInsn } from "./env.ts";

/** What one register holds before an instruction: unvisited, a constant, the address of a map, or nothing known. */
type Known = bigint | "map" | "unknown" | undefined;

const U64 = (1n << 64n) - 1n;

/** const_reg_xfer(): the registers after the instruction. */
function transfer(insn: KInsn, next: KInsn | undefined, regs: Known[]): void {
  const cls = O.classOf(insn.code);
  const dst = regs[insn.dst];
  const src = regs[insn.src];
  const put = (v: Known) => {
    regs[insn.dst] = typeof v === "bigint" ? v & U64 : v;
  };
  if (cls === O.BPF_ALU || cls === O.BPF_ALU64) {
    put(alu(insn, dst, src));
    const now = regs[insn.dst];
    if (cls === O.BPF_ALU) put(typeof now === "bigint" ? now & 0xffffffffn : "unknown");
    return;
  }
  const scratch = () => regs.fill("unknown", 0, 6);
  if (cls === O.BPF_LD) {
    if (insn.code !== O.LD_IMM64) scratch();
    else if (insn.src === 0) put((BigInt(next!.imm >>> 0) << 32n) | BigInt(insn.imm >>> 0));
    else put("unknown");
  } else if (cls === O.BPF_LDX) put("unknown");
  else if (insn.code === O.CALL) scratch();
  else if (cls === O.BPF_STX && O.modeOf(insn.code) === O.BPF_ATOMIC) {
    if (insn.imm === O.BPF_CMPXCHG) regs[0] = "unknown";
    else if (insn.imm === O.BPF_LOAD_ACQ) put("unknown");
    else if (insn.imm & O.BPF_FETCH) regs[insn.src] = "unknown";
  }
}

function alu(insn: KInsn, dst: Known, src: Known): Known {
  const imm = BigInt(insn.imm);
  switch (insn.code & 0xf8) {
    case O.BPF_MOV | O.BPF_K:
      return imm;
    case O.BPF_MOV | O.BPF_X:
      if (!insn.off) return src;
      if (typeof src !== "bigint" || ![8, 16, 32].includes(insn.off)) return "unknown";
      return BigInt.asIntN(insn.off, src);
    case O.BPF_ADD | O.BPF_K:
      return typeof dst === "bigint" ? dst + imm : "unknown";
    case O.BPF_SUB | O.BPF_K:
      return typeof dst === "bigint" ? dst - imm : "unknown";
    case O.BPF_AND | O.BPF_K:
      if (typeof dst === "bigint") return dst & imm;
      return insn.imm === 0 ? 0n : "unknown";
    case O.BPF_AND | O.BPF_X:
      if (dst === 0n || src === 0n) return 0n;
      return typeof dst === "bigint" && typeof src === "bigint" ? dst & src : "unknown";
    default:
      return "unknown";
  }
}

function taken(op: number, a: bigint, b: bigint): boolean {
  const [sa, sb] = [BigInt.asIntN(64, a), BigInt.asIntN(64, b)];
  switch (op) {
    case O.BPF_JEQ:
      return a === b;
    case O.BPF_JNE:
      return a !== b;
    case O.BPF_JGT:
      return a > b;
    case O.BPF_JGE:
      return a >= b;
    case O.BPF_JLT:
      return a < b;
    case O.BPF_JLE:
      return a <= b;
    case O.BPF_JSGT:
      return sa > sb;
    case O.BPF_JSGE:
      return sa >= sb;
    case O.BPF_JSLT:
      return sa < sb;
    case O.BPF_JSLE:
      return sa <= sb;
    default:
      return (a & b) !== 0n;
  }
}

/** Registers before each instruction, the same on all paths (bpf_compute_const_regs). */
function constantRegisters(env: Env): Known[][] {
  const { insns } = env;
  const before: Known[][] = insns.map(() => new Array(11).fill(undefined));
  const work = env.subprogs.slice(0, -1).map((s) => s.start);
  for (const s of work) before[s] = new Array(11).fill("unknown");
  for (let i = work.pop(); i !== undefined; i = work.pop()) {
    const out = before[i].slice();
    transfer(insns[i], insns[i + 1], out);
    for (const to of successors(env, i)) {
      let changed = false;
      const at = before[to];
      out.forEach((v, r) => {
        if (at[r] === v || at[r] === "unknown") return;
        at[r] = at[r] === undefined ? v : "unknown";
        changed = true;
      });
      if (changed) work.push(to);
    }
  }
  return before;
}

/** bpf_prune_dead_branches() (7.1): a branch on constants that fit 32 bits becomes a jump before verification begins. */
export function pruneDeadBranches(env: Env): void {
  const known = constantRegisters(env);
  env.insns.forEach((insn, i) => {
    if (!isConditional(insn.code) || isMayGoto(insn.code)) return;
    const fits = (v: Known): v is bigint => typeof v === "bigint" && v <= 0xffffffffn;
    const dst = known[i][insn.dst];
    const src = O.isX(insn.code) ? known[i][insn.src] : BigInt(insn.imm) & U64;
    if (!fits(dst) || (O.isX(insn.code) ? !fits(src) : typeof src !== "bigint")) return;
    const low = (v: bigint) => BigInt.asIntN(32, v) & U64;
    const is32 = O.classOf(insn.code) === O.BPF_JMP32;
    const yes = taken(O.opOf(insn.code), is32 ? low(dst) : dst, is32 ? low(src as bigint) : (src as bigint));
    env.insns[i] = { code: O.BPF_JMP | O.BPF_JA, dst: 0, src: 0, off: yes ? insn.off : 0, imm: 0 };
  });
}
