import type { Insn } from "../../bpf/insn.ts";
import * as O from "../../bpf/opcode.ts";
import type { Program } from "../../bpf/program.ts";
import { isTailCall } from "../../bpf/verifier/functions.ts";
import type { KernelFeatures } from "../../bpf/verifier/index.ts";

/** What of the language a kernel takes. */
export interface Dialect {
  /** calls of functions, JMP32, jumps on less-than */
  calls: boolean;
  /** tail calls in programs with functions */
  mixed: boolean;
  loops: boolean;
  /** atomics other than addition */
  atomics: boolean;
  /** sdiv, smod, movsx, ldsx, bswap */
  v4: boolean;
  acquire: boolean;
  /** a division by 0 does not end the program */
  divides: boolean;
  /** a 32-bit division leaves the upper half of its divisor (before 5.11 the verifier's guard cut it off: CVE-2021-3600) */
  keepsDivisor: boolean;
}

export const dialectOf = (kernel: KernelFeatures): Dialect => ({
  calls: kernel.functionCalls,
  mixed: kernel.subprogTailCalls,
  loops: kernel.boundedLoops,
  atomics: kernel.atomics,
  v4: kernel.cpuV4,
  acquire: kernel.loadAcquire,
  divides: kernel.divisionGuards !== "none",
  keepsDivisor: kernel.divisionGuards === "jmp32" || kernel.divisionGuards === "signed",
});

const LESS = [O.BPF_JLT, O.BPF_JLE, O.BPF_JSLT, O.BPF_JSLE];

/** What of the language a program uses. */
export function dialectNeeded({ insns, functions }: Program): Dialect {
  const needed: Dialect = {
    calls: functions.length > 1,
    mixed: functions.length > 1 && insns.some(isTailCall),
    loops: false,
    atomics: false,
    v4: false,
    acquire: false,
    divides: false,
    keepsDivisor: false,
  };
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot];
    if (insn.code === O.LD_IMM64) slot++;
    else if (insn.code !== O.CALL) note(needed, insn);
    if (isDivision(insn)) noteDivision(needed, insns, slot);
  }
  return needed;
}

const isDivision = ({ code }: Insn): boolean => {
  const cls = O.classOf(code);
  const op = O.opOf(code);
  return (cls === O.BPF_ALU || cls === O.BPF_ALU64) && (op === O.BPF_DIV || op === O.BPF_MOD) && O.isX(code);
};

/** What a division needs that has not been seen to in front of it, as FunctionWriter does. */
function noteDivision(needed: Dialect, insns: readonly Insn[], slot: number): void {
  const { code, src } = insns[slot];
  const before = insns[slot - 1];
  const isOdd = before?.code === (O.BPF_ALU64 | O.BPF_OR) && before.dst === src && (before.imm & 1) === 1;
  if (!isOdd) needed.divides = true;
  const cut = insns[slot - (isOdd ? 2 : 1)];
  const isCut = cut?.code === (O.BPF_ALU | O.BPF_MOV | O.BPF_X) && cut.dst === src && cut.src === src && cut.off === 0;
  if (O.classOf(code) === O.BPF_ALU && !isCut) needed.keepsDivisor = true;
}

function note(needed: Dialect, { code, off, imm }: Insn): void {
  const op = O.opOf(code);
  switch (O.classOf(code)) {
    case O.BPF_JMP:
    case O.BPF_JMP32:
      needed.calls ||= O.classOf(code) === O.BPF_JMP32 || LESS.includes(op);
      needed.loops ||= off < 0;
      break;
    case O.BPF_LDX:
      needed.v4 ||= O.modeOf(code) === O.BPF_MEMSX;
      break;
    case O.BPF_STX:
      if (O.modeOf(code) !== O.BPF_ATOMIC || imm === O.BPF_ADD) break;
      if (imm === O.BPF_LOAD_ACQ || imm === O.BPF_STORE_REL) needed.acquire = true;
      else needed.atomics = true;
      break;
    case O.BPF_ALU:
    case O.BPF_ALU64:
      needed.v4 ||= off !== 0 || code === (O.BPF_ALU64 | O.BPF_END);
  }
}

/** Whether a kernel takes what is needed. */
export const takes = (kernel: Dialect, needed: Dialect): boolean =>
  (Object.keys(needed) as (keyof Dialect)[]).every((feature) => kernel[feature] || !needed[feature]);
