import * as O from "../opcode.ts";
import type { Env, KInsn, Subprog } from "./env.ts";
import { helperProto, kfuncProto } from "./helpers.ts";
import { NOP } from "./insns.ts";

const SPILL = O.BPF_STX | O.BPF_MEM | O.BPF_DW;
const FILL = O.BPF_LDX | O.BPF_MEM | O.BPF_DW;
const CALLER_SAVED = 0x3f;

/** Registers a call would leave alone if it kept the bpf_fastcall contract, and whether it does and is inlined. */
function callSummary(env: Env, call: KInsn): { spared: number; fastcall: boolean } | null {
  const { kernel, program } = env;
  let params: number;
  let isVoid: boolean;
  let fastcall = false;
  if (call.src === O.BPF_HELPER_CALL) {
    const proto = helperProto(call.imm, program.type);
    if (!proto) return null;
    params = proto.args.length;
    isVoid = proto.ret === "void";
    fastcall = proto.name === "get_smp_processor_id" && kernel.cpuNumber !== null;
  } else if (call.src === O.BPF_PSEUDO_KFUNC_CALL) {
    const proto = kfuncProto(call.callee ?? "", kernel);
    if (!proto) return null;
    params = proto.params;
    isVoid = proto.isVoid;
  } else return null;
  const clobbered = ((1 << (params + 1)) - 1) & ~(isVoid ? 1 : 0);
  return { spared: ~clobbered & CALLER_SAVED, fastcall };
}

/** mark_fastcall_pattern_for_call(): spills before and fills after the call, outwards from it, of registers that it spares. */
function markCall(env: Env, subprog: Subprog, at: number, lowest: number): void {
  const { insns, aux, kernel } = env;
  const summary = callSummary(env, insns[at]);
  if (!summary) return;
  let { spared } = summary;
  if (spared === 0) return;
  let off = lowest;
  let i = 1;
  for (; i <= 6; i++, off += 8) {
    const [stx, ldx] = [insns[at - i], insns[at + i]];
    if (!stx || !ldx) break;
    if (kernel.fastcall === "pattern-no-jump-target" && (aux[at - i + 1].jumpTarget || aux[at + i].jumpTarget)) break;
    if (stx.code !== SPILL || ldx.code !== FILL || stx.dst !== 10 || ldx.src !== 10 || stx.src !== ldx.dst) break;
    if (!(spared & (1 << stx.src)) || stx.off !== off || ldx.off !== off) break;
    spared &= ~(1 << stx.src);
    aux[at - i].fastcallPattern = true;
    aux[at + i].fastcallPattern = true;
  }
  if (i === 1) return;
  if (summary.fastcall) aux[at].fastcallSpills = i - 1;
  else subprog.keepFastcallStack = true;
  subprog.fastcallStackOff = Math.min(subprog.fastcallStackOff, off);
}

/** mark_fastcall_patterns() (6.12) */
export function markFastcallPatterns(env: Env): void {
  env.subprogs.slice(0, -1).forEach((subprog, f) => {
    const end = env.subprogs[f + 1].start;
    let lowest = 0;
    for (let i = subprog.start; i < end; i++) {
      const insn = env.insns[i];
      if (insn.code === SPILL && insn.dst === 10) lowest = Math.min(lowest, insn.off);
    }
    for (let i = subprog.start; i < end; i++) if (env.insns[i].code === O.CALL) markCall(env, subprog, i, lowest);
  });
}

/** remove_fastcall_spills_fills(): the pairs become no-ops, and the stack below them is given back. */
export function removeFastcallSpills(env: Env): void {
  env.subprogs.slice(0, -1).forEach((subprog, f) => {
    let modified = false;
    for (let i = subprog.start; i < env.subprogs[f + 1].start; i++) {
      const spills = env.aux[i].fastcallSpills;
      for (let j = 1; j <= spills; j++) {
        env.insns[i - j] = { ...NOP };
        env.insns[i + j] = { ...NOP };
      }
      modified ||= spills > 0;
    }
    if (modified && !subprog.keepFastcallStack) subprog.stackDepth = -subprog.fastcallStackOff;
  });
}
