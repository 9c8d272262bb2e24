import type { Insn } from "../insn.ts";
import * as O from "../opcode.ts";
import type { Xlated } from "../xlated.ts";
import { scalarDomain } from "./analysis/scalar/index.ts";
import { type Env, type KInsn, newAux, newSubprog } from "./env.ts";
import { VerifierError } from "./error.ts";
import type { KernelFeatures } from "./features.ts";
import { checkFunctions, functionNames, functionStarts } from "./functions.ts";
import { checkOpcodes } from "./opcodes.ts";
import { patchInsns } from "./patch.ts";
import { guardDivision } from "./rewrites/div-mod.ts";
import { xlatedOf } from "./xlate.ts";

const MAX_BPF_STACK = 512;
const PROG_TYPE_UNSPEC = 0;

/**
 * A program as the JIT gets it, but nothing is followed: functions and division guards as verify() has them, for programs that
 * take arguments no program type has. Every function that names R10 has the whole stack. `helperName` says what a helper's
 * number stands for. Throws VerifierError for opcodes that the kernel does not know, and calls that lead nowhere.
 */
export function withoutVerification(
  program: readonly Insn[],
  kernel: KernelFeatures,
  helperName: (id: number) => string | undefined,
): Xlated {
  if (program.length === 0) throw new VerifierError(0, "empty program");
  const env = newEnv(program, kernel);
  checkOpcodes(env);
  if (!kernel.cpuV4) checkOffsets(program);
  const starts = functionStarts(env.insns);
  checkFunctions(env.insns, starts);
  if (starts.length > 1 && !kernel.functionCalls) throw new VerifierError(starts[1], "BPF_CALL uses reserved fields");
  const names = functionNames(starts, []);
  env.subprogs = [...starts.map((start, i) => newSubprog(names[i], start)), newSubprog("", env.insns.length)];
  for (const [i, subprog] of env.subprogs.slice(0, -1).entries())
    subprog.stackDepth = usesStack(env.insns.slice(subprog.start, env.subprogs[i + 1].start)) ? MAX_BPF_STACK : 0;
  const patches = new Map<number, KInsn[]>();
  env.insns.forEach((insn, slot) => {
    const patch = guardDivision(env, insn) ?? nameCall(insn, slot, helperName);
    if (patch) patches.set(slot, patch);
  });
  patchInsns(env, patches);
  return xlatedOf(env);
}

/** Before signed division and sign-extending moves (6.6) off of arithmetic was reserved. */
function checkOffsets(insns: readonly Insn[]): void {
  insns.forEach(({ code, off }, slot) => {
    const isAlu = O.classOf(code) === O.BPF_ALU || O.classOf(code) === O.BPF_ALU64;
    if (isAlu && off !== 0) throw new VerifierError(slot, "BPF_ALU uses reserved fields");
  });
}

const usesStack = (insns: readonly Insn[]): boolean =>
  insns.some(({ dst, src }) => dst === O.BPF_REG_FP || src === O.BPF_REG_FP);

function nameCall(insn: KInsn, slot: number, helperName: (id: number) => string | undefined): KInsn[] | null {
  if (insn.code !== O.CALL || insn.src === O.BPF_PSEUDO_CALL) return null;
  const callee = insn.src === O.BPF_HELPER_CALL ? helperName(insn.imm) : undefined;
  if (callee === undefined) throw new VerifierError(slot, `invalid func unknown#${insn.imm}`);
  return [{ ...insn, imm: 0, callee }];
}

function newEnv(program: readonly Insn[], kernel: KernelFeatures): Env {
  const insns = program.map((insn) => ({ ...insn }));
  return {
    program: { name: "", type: PROG_TYPE_UNSPEC, insns, relocs: [], functions: [] },
    attachTarget: undefined,
    maps: [],
    kernel,
    scalars: scalarDomain(kernel.scalars),
    insns,
    aux: insns.map((_, i) => newAux(i)),
    subprogs: [],
    globals: new Map(),
    pokes: [],
    spillsRemoved: [],
    seenException: false,
    seenDirectWrite: false,
    tstampTypeAccess: false,
    exceptionCallback: -1,
  };
}
