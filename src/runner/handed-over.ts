import { HELPER_NAMES } from "../../bpf/helper-ids.ts";
import type { Insn } from "../../bpf/insn.ts";
import { BPF_PSEUDO_CALL, BPF_REG_FP, CALL } from "../../bpf/opcode.ts";
import type { Program } from "../../bpf/program.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import { UserError } from "../error.ts";
import type { ProgramSpec, Scenario } from "../scenario/scenario.ts";

const MAX_BPF_STACK = 512;

/** One function as if the verifier had let it pass as it is, without maps and calls of its own. */
export function unverified(name: string, insns: Insn[]): Xlated {
  const usesStack = insns.some(({ dst, src }) => dst === BPF_REG_FP || src === BPF_REG_FP);
  const stackDepth = usesStack ? MAX_BPF_STACK : 0;
  const calls = new Map<number, string>();
  for (const [slot, { code, imm }] of insns.entries()) if (code === CALL) calls.set(slot, HELPER_NAMES[imm]);
  return {
    insns: insns.map((insn) => (insn.code === CALL ? { ...insn, imm: 0 } : insn)),
    origin: Int32Array.from(insns, (_, slot) => slot),
    functions: [{ name, start: 0, insns: insns.length, stackDepth, hasTailCall: false, tailCallReachable: false }],
    mapRefs: [],
    calls,
    pokes: [],
    symbolRefs: [],
  };
}

/** A scenario's program of form xlated. Throws UserError for what only a verifier could hand over. */
export function handedOver({ name, insns, relocs }: Program, { file }: Scenario, { at }: ProgramSpec): Xlated {
  const known = insns.every(({ code, src, imm }) => code !== CALL || (src !== BPF_PSEUDO_CALL && HELPER_NAMES[imm]));
  if (relocs.length || !known)
    throw new UserError("expected one function without maps, in the form xlated", { file, ...at });
  return unverified(name, insns);
}
