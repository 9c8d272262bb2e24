import type { MapDef, Program } from "../program.ts";
import { offsetOf } from "../structs.ts";
import type { Xlated } from "../xlated.ts";
import { explore } from "./analysis/explore.ts";
import { scalarDomain } from "./analysis/scalar/index.ts";
import { checkCfg } from "./cfg.ts";
import { pruneDeadBranches } from "./const-fold.ts";
import { containingSubprog, type Env, newAux, newSubprog } from "./env.ts";
import { VerifierError } from "./error.ts";
import { markFastcallPatterns, removeFastcallSpills } from "./fastcall/index.ts";
import type { KernelFeatures } from "./features.ts";
import { checkFunctions, functionNames, functionStarts, isTailCall } from "./functions.ts";
import { checkOpcodes } from "./opcodes.ts";
import { inlineBpfLoops } from "./rewrites/bpf-loop.ts";
import { convertContextAccesses } from "./rewrites/ctx/convert.ts";
import { hardWireDeadBranches, removeDeadCode, removeNops } from "./rewrites/dead-code.ts";
import { fixUp } from "./rewrites/misc-fixups.ts";
import { zeroExtendCmpxchg } from "./rewrites/zero-extension.ts";
import { mayUsePrivateStack, walkCalls } from "./stack-depth.ts";
import { learn } from "./trusted.ts";
import { xlatedOf } from "./xlate.ts";

const MAX_STACK = 512;

/** The program with what the loader fills in: maps and kernel functions by name, offsets of this kernel's structures. */
function load(program: Program, maps: readonly MapDef[], kernel: KernelFeatures, others: readonly Program[]): Env {
  const insns: Env["insns"] = program.insns.map((insn) => ({ ...insn }));
  for (const reloc of program.relocs) {
    const insn = insns[reloc.insn];
    if (!insn) throw new VerifierError(reloc.insn, "relocation outside of the program");
    if (reloc.kind === "map") insn.mapRef = { map: reloc.map, kind: "map", off: 0 };
    else if (reloc.kind === "value")
      insn.mapRef = { map: reloc.map, kind: "value", off: reloc.off || (insns[reloc.insn + 1]?.imm ?? 0) };
    else if (reloc.kind === "kfunc") insn.callee = reloc.name;
    else insn.off = offsetOf(kernel.structs, reloc.field);
  }
  const { attach } = program;
  const target = attach && others.find((p) => p.name === attach.prog);
  return {
    // an extension is what it replaces (resolve_prog_type)
    program: attach?.type === "freplace" && target ? { ...program, type: target.type } : program,
    attachTarget: attach?.nargs === undefined ? target?.functions[attach?.func ?? 0] : attach,
    maps,
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

/** add_subprog_and_kfunc(), check_subprogs() */
function findFunctions(env: Env): void {
  const starts = functionStarts(env.insns);
  checkFunctions(env.insns, starts);
  if (starts.length > 1 && !env.kernel.functionCalls)
    throw new VerifierError(starts[1], "BPF_CALL uses reserved fields");
  const names = functionNames(starts, env.program.functions);
  if (env.kernel.globalFunctions)
    env.program.functions.forEach(({ global }, i) => {
      if (global && i > 0) env.globals.set(i, global);
    });
  env.subprogs = [...starts.map((start, i) => newSubprog(names[i], start)), newSubprog("", env.insns.length)];
  env.insns.forEach((insn, i) => {
    if (isTailCall(insn)) env.subprogs[containingSubprog(env, i)].hasTailCall = true;
  });
}

/** check_max_stack_depth() */
function checkStackDepth(env: Env): void {
  const { kernel, program } = env;
  const functions = env.subprogs.slice(0, -1);
  if (!kernel.subprogTailCalls && functions.some((f) => f.hasTailCall)) {
    if (functions.length > 1)
      throw new VerifierError(0, "tail_calls are not allowed in programs with bpf-to-bpf calls");
    functions[0].stackDepth = MAX_STACK;
  }
  const mayNest = kernel.privateStack && mayUsePrivateStack(program.type, program.attach?.type);
  const verdicts = walkCalls(env.insns, functions, kernel, mayNest);
  functions.forEach((f, i) => {
    f.tailCallReachable = verdicts[i].tailCallReachable;
    f.privateStack = verdicts[i].privateStack;
  });
}

/**
 * bpf_check(): what a kernel's verifier makes of a program that a privileged task loads, in the order the kernel does it. It is no safety
 * check: it turns down what it cannot follow, not all that is unsafe.
 *
 * Done: functions, dead code, constant branches (7.1), fastcall spills, bpf_loop and helper inlining, map operations, context accesses of
 * socket filters, classifiers and XDP, BPF_PROBE_MEM, packet-write prologue, division guards, LD_ABS and LD_IND, tail calls, may_goto, default
 * exception callback, stack depths, private stacks. Not done: arenas, iterators, dynptrs, spin locks, references to sockets,
 * struct_ops, custom exception callbacks, zero extension and constant blinding (the JIT's side), Spectre v1 and v4
 * instrumentation of unprivileged programs other than index masks, the randomizing of high halves.
 *
 * `others`: programs of the set, for the target of a tracing program. Throws VerifierError.
 */
export function verify(
  program: Program,
  maps: readonly MapDef[],
  kernel: KernelFeatures,
  others: readonly Program[] = [],
): Xlated {
  if (program.insns.length === 0) throw new VerifierError(0, "empty program");
  const env = load(program, maps, kernel, others);
  checkOpcodes(env);
  findFunctions(env);
  checkCfg(env);
  if (kernel.constFold) pruneDeadBranches(env);
  if (kernel.fastcall) markFastcallPatterns(env);
  explore(env);
  const late = kernel.fastcall?.era === "rfc" || kernel.fastcall?.without === "order";
  if (kernel.fastcall && !late) removeFastcallSpills(env);
  checkStackDepth(env);
  inlineBpfLoops(env);
  if (kernel.fastcall && late) removeFastcallSpills(env);
  if (kernel.removeDeadCode) {
    hardWireDeadBranches(env);
    removeDeadCode(env);
    removeNops(env);
  }
  convertContextAccesses(env);
  fixUp(env);
  zeroExtendCmpxchg(env);
  return xlatedOf(env);
}

/**
 * What verify() makes of a program that it would accept, found out without following its paths: nothing is removed as dead, no call gives
 * its spills back. For classifiers and raw tracepoints that leave the context's fields and the packet alone, call no function back, and
 * load maps and keys of helper calls right in front of them; the stack's depth is that of accesses through R10. Throws VerifierError.
 */
export function trust(program: Program, maps: readonly MapDef[], kernel: KernelFeatures): Xlated {
  const env = load(program, maps, kernel, []);
  checkOpcodes(env);
  findFunctions(env);
  checkCfg(env);
  learn(env);
  checkStackDepth(env);
  fixUp(env);
  zeroExtendCmpxchg(env);
  return xlatedOf(env);
}

/** Bytes of stack that each function takes, in order of start, slots that rewrites added included; an exception callback is not counted. */
export const stackDepths = (...load: Parameters<typeof verify>): number[] =>
  verify(...load)
    .functions.filter((f) => !f.exceptionCallback)
    .map((f) => f.stackDepth);
