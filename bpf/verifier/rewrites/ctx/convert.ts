import { helperId } from "../../../helper-ids.ts";
import * as O from "../../../opcode.ts";
import * as P from "../../../program.ts";
import type { Env, KInsn } from "../../env.ts";
import { VerifierError } from "../../error.ts";
import { alu32, alu64, alu64Reg, exit, jmp, ldx, mov64Reg, R0, R1, R2, R6 } from "../../insns.ts";
import { moveJumpTarget, patchInsns } from "../../patch.ts";
import { bitField } from "../../structs.ts";
import { type Converted, convertClassifier, convertSkb } from "./skb.ts";
import { convertXdp } from "./xdp.ts";

const TC_ACT_SHOT = 2;

function converter(env: Env): ((si: KInsn, write: boolean) => Converted) | null {
  switch (env.program.type) {
    case P.PROG_TYPE_SOCKET_FILTER:
      return (si, write) => convertSkb(env, si, write);
    case P.PROG_TYPE_SCHED_CLS:
      return (si, write) => convertClassifier(env, si, write);
    case P.PROG_TYPE_XDP:
      return (si) => convertXdp(env, si);
    default:
      return null;
  }
}

/** bpf_unclone_prologue(): before a classifier writes to the packet, a buffer that is shared is copied. */
function insertPrologue(env: Env): number {
  if (!env.seenDirectWrite || env.program.type !== P.PROG_TYPE_SCHED_CLS) return 0;
  const { byte, mask } = bitField(env.kernel.structs, "sk_buff.cloned");
  const prologue: KInsn[] = [
    ldx(O.BPF_B, R6, R1, byte),
    alu32(O.BPF_AND, R6, mask),
    jmp(O.BPF_JEQ, R6, 0, 7),
    mov64Reg(R6, R1),
    alu64Reg(O.BPF_XOR, R2, R2),
    { code: O.CALL, dst: 0, src: 0, off: 0, imm: helperId("bpf_skb_pull_data") ?? 0 },
    jmp(O.BPF_JEQ, R0, 0, 2),
    alu32(O.BPF_MOV, R0, TC_ACT_SHOT),
    exit(),
    mov64Reg(R1, R6),
    env.insns[0],
  ];
  patchInsns(env, new Map([[0, prologue]]));
  const delta = prologue.length - 1;
  moveJumpTarget(env, 0, delta);
  return delta;
}

const SIZE_CODES: Record<number, number> = { 2: O.BPF_H, 4: O.BPF_W, 8: O.BPF_DW };

/** One access to a context field: a narrower load loads the whole field and cuts it. */
function convertAccess(env: Env, at: number, convert: (si: KInsn, write: boolean) => Converted): KInsn[] {
  const insn = env.insns[at];
  const { ctxFieldSize, origin } = env.aux[at];
  const write = O.classOf(insn.code) !== O.BPF_LDX;
  const size = O.bytesOf(insn.code);
  const narrower = size < ctxFieldSize;
  const si = narrower
    ? { ...insn, off: insn.off & ~(ctxFieldSize - 1), code: O.BPF_LDX | O.BPF_MEM | SIZE_CODES[ctxFieldSize] }
    : insn;
  const { insns, targetSize } = convert(si, write);
  if (insns.length === 0) throw new VerifierError(origin, `error during ctx access conversion (off ${insn.off})`);
  if (narrower && size < targetSize) {
    const shift = (insn.off & (ctxFieldSize - 1)) * 8;
    const alu = ctxFieldSize <= 4 ? alu32 : alu64;
    if (shift) insns.push(alu(O.BPF_RSH, insn.dst, shift));
    insns.push(alu32(O.BPF_AND, insn.dst, size === 4 ? -1 : (1 << (size * 8)) - 1));
  }
  if (O.modeOf(insn.code) === O.BPF_MEMSX)
    insns.push({ code: O.BPF_ALU64 | O.BPF_MOV | O.BPF_X, dst: insn.dst, src: insn.dst, off: size * 8, imm: 0 });
  return insns;
}

const isLoad = (i: KInsn): boolean =>
  O.classOf(i.code) === O.BPF_LDX && (O.modeOf(i.code) === O.BPF_MEM || O.modeOf(i.code) === O.BPF_MEMSX);
const isStore = (i: KInsn): boolean =>
  (O.classOf(i.code) === O.BPF_ST || O.classOf(i.code) === O.BPF_STX) && O.modeOf(i.code) === O.BPF_MEM;

/** convert_ctx_accesses(): the context becomes what the kernel has, and loads that may fault become BPF_PROBE_MEM. */
export function convertContextAccesses(env: Env): void {
  const convert = converter(env);
  const patches = new Map<number, KInsn[]>();
  for (let i = insertPrologue(env); i < env.insns.length; i++) {
    const insn = env.insns[i];
    if (insn.code === O.LD_IMM64) {
      i++;
      continue;
    }
    if (!isLoad(insn) && !isStore(insn)) continue;
    const { ptrType } = env.aux[i];
    if (ptrType === "ctx" && convert) patches.set(i, convertAccess(env, i, convert));
    else if (ptrType === "btf" && isLoad(insn)) {
      const mode = O.modeOf(insn.code) === O.BPF_MEM ? O.BPF_PROBE_MEM : O.BPF_PROBE_MEMSX;
      insn.code = O.BPF_LDX | mode | O.sizeOf(insn.code);
    }
  }
  patchInsns(env, patches);
}
