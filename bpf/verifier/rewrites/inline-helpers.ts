import * as O from "../../opcode.ts";
import type { Env, KInsn } from "../env.ts";
import type { PerCpuVariable } from "../features.ts";
import { shortName } from "../helpers.ts";
import {
  alu64,
  alu64Reg,
  ja,
  ldSymbol,
  ldx,
  mov32,
  mov64,
  mov64Reg,
  movPerCpu,
  R0,
  R1,
  R2,
  R3,
  stx,
} from "../insns.ts";

const EINVAL = 22;

/** r0 = a per-CPU variable. */
function perCpu({ symbol, addend, mov }: PerCpuVariable, size: number): KInsn[] {
  const address = { ...(mov === 32 ? mov32(R0, 0) : mov64(R0, 0)), symbol: { name: symbol, addend } };
  return [address, movPerCpu(R0, R0), ldx(size, R0, R0, 0)];
}

/** bpf_get_func_arg(): ctx - 8 holds the number of arguments. */
const funcArg = (): KInsn[] => [
  ldx(O.BPF_DW, R0, R1, -8),
  { code: O.BPF_JMP32 | O.BPF_JGE | O.BPF_X, dst: R2, src: R0, off: 6, imm: 0 },
  alu64(O.BPF_LSH, R2, 3),
  alu64Reg(O.BPF_ADD, R2, R1),
  ldx(O.BPF_DW, R0, R2, 0),
  stx(O.BPF_DW, R3, R0, 0),
  mov64(R0, 0),
  ja(1),
  mov64(R0, -EINVAL),
];

const funcRet = (): KInsn[] => [
  ldx(O.BPF_DW, R0, R1, -8),
  alu64(O.BPF_LSH, R0, 3),
  alu64Reg(O.BPF_ADD, R0, R1),
  ldx(O.BPF_DW, R3, R0, 0),
  stx(O.BPF_DW, R2, R3, 0),
  mov64(R0, 0),
];

/** Helpers that are a few instructions, in kernels whose verifier writes them out (x86-64). */
export function inlineHelper(env: Env, insn: KInsn): KInsn[] | null {
  if (insn.code !== O.CALL || insn.src !== O.BPF_HELPER_CALL) return null;
  const { cpuNumber, currentTask, inlineKptrXchg } = env.kernel;
  const tracing = env.program.attach !== undefined;
  switch (shortName(insn.imm)) {
    case "jiffies64":
      return [...ldSymbol(R0, "jiffies"), ldx(O.BPF_DW, R0, R0, 0)];
    case "get_smp_processor_id":
      return cpuNumber && perCpu(cpuNumber, O.BPF_W);
    case "get_current_task":
    case "get_current_task_btf":
      return currentTask && perCpu(currentTask, O.BPF_DW);
    case "get_func_arg":
      return tracing ? funcArg() : null;
    case "get_func_ret":
      return tracing ? funcRet() : null;
    case "get_func_arg_cnt":
      return tracing ? [ldx(O.BPF_DW, R0, R1, -8)] : null;
    case "get_func_ip":
      return tracing ? [ldx(O.BPF_DW, R0, R1, -16)] : null;
    case "kptr_xchg":
      return inlineKptrXchg
        ? [mov64Reg(R0, R2), { code: O.BPF_STX | O.BPF_ATOMIC | O.BPF_DW, dst: R1, src: R0, off: 0, imm: O.BPF_XCHG }]
        : null;
    default:
      return null;
  }
}
