import type { Insn } from "../../../bpf/insn.ts";
import { type KernelFeatures, VerifierError, withoutVerification } from "../../../bpf/verifier/index.ts";
import { JitError } from "../../../jit/error.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { UserError } from "../../error.ts";
import type { DataTest } from "../../import/conformance/data-file.ts";
import type { FoundTest } from "../../import/conformance/find.ts";
import { verifierOf } from "../../runner/verifier-of.ts";
import type { Entry, Execution } from "../execution.ts";
import { loadCompiled } from "../on-machine.ts";
import { type ConformanceResult, hex, INTERPRETER, nothingRun } from "../result.ts";
import { needs, needsOfJit, refusal } from "./applies.ts";
import { helperName, UBPF_HELPERS } from "./helpers.ts";
import { type Interpreted, interpret } from "./interpret.ts";

/** Instructions that a run may take. */
export const BUDGET = 1_000_000;

/** What a test came to, apart from its names. */
type Outcome = Partial<ConformanceResult> & Pick<ConformanceResult, "verdict">;

const skip = (reason: string): Outcome => ({ verdict: "skip", reason });

/** A .data test on a kernel's JIT, or in the interpreter (name "interpreter"). */
export function runDataTest(test: DataTest, { name, file }: FoundTest, on: string): ConformanceResult {
  const start = performance.now();
  const outcome = on === INTERPRETER ? interpreted(test) : compiled(test, on);
  return {
    scenario: name,
    title: name,
    file,
    profile: on,
    ...nothingRun(),
    jited: false,
    ...outcome,
    ms: performance.now() - start,
  };
}

/** What R1 and R2 are: the memory and its length. */
export function enterWith(memory: Uint8Array): (room: Parameters<Parameters<typeof interpret>[2]>[0]) => Entry {
  return (room) => {
    if (!memory.length) return { r1: 0n, r2: 0n };
    const r1 = room.heap.take(memory.length, 64);
    room.memory.write(r1, memory);
    return { r1, r2: BigInt(memory.length) };
  };
}

function interpreted({ insns, memory, expected }: DataTest): Outcome {
  const problem = refusal(insns);
  if (expected.kind === "error" && problem) return { verdict: "pass" };
  const missing = needs(insns);
  if (missing) return expected.kind === "error" ? { verdict: "pass" } : skip(missing);
  const run = interpret(insns, BUDGET, enterWith(memory));
  if (expected.kind === "result" && run.outOfBounds) return skip(`it reaches beyond its memory: ${run.stopped}`);
  return judge(expected, run);
}

function compiled(test: DataTest, on: string): Outcome {
  const { insns, memory, expected } = test;
  const profile = profileNamed(on);
  if (!profile) throw new UserError(`unknown profile "${on}"`);
  const problem = refusal(insns);
  if (problem) return expected.kind === "error" ? { verdict: "pass" } : skip(`no kernel loads it: ${problem}`);
  const missing = needs(insns) ?? needsOfJit(insns);
  if (missing) return skip(missing);
  const beforehand = interpret(insns, BUDGET, enterWith(memory));
  if (beforehand.stopped !== undefined && (expected.kind === "error" || beforehand.outOfBounds))
    return skip(`a kernel's verifier refuses it, its JIT checks nothing: ${beforehand.stopped}`);
  const kernel = verifierOf(profile);
  const loaded = load(insns, kernel, profile);
  if (typeof loaded === "string") return skip(loaded);
  try {
    return { ...judge(expected, loaded.run(enterWith(memory))), jited: true };
  } finally {
    loaded.close();
  }
}

function load(insns: Insn[], kernel: KernelFeatures, profile: NonNullable<ReturnType<typeof profileNamed>>) {
  try {
    const xlated = withoutVerification(insns, kernel, helperName);
    return loadCompiled({ xlated, classic: false }, profile, { kernel, helpers: UBPF_HELPERS, budget: BUDGET });
  } catch (error) {
    if (error instanceof VerifierError) return `${kernel.name} does not load it: ${error.message}`;
    if (error instanceof JitError) return `${profile.name}'s JIT does not take it: ${error.message}`;
    throw error;
  }
}

function judge(
  expected: DataTest["expected"],
  { r0, stopped, findings, instructions, maxStack }: Interpreted | Execution,
): Outcome {
  const wrong = (path: string, wanted: string, actual: string): Outcome => ({
    verdict: "fail",
    ...(r0 === undefined ? {} : { r0 }),
    findings,
    instructions,
    maxStack,
    mismatches: [{ path, expected: wanted, actual, line: expected.line, column: 1 }],
  });
  const ended = stopped ?? findings[0]?.message ?? "it did not return";
  if (expected.kind === "error")
    return r0 === undefined ? { verdict: "pass" } : wrong("error", expected.text, `it returned ${hex(r0)}`);
  if (r0 !== expected.value) return wrong("result", hex(expected.value), r0 === undefined ? ended : hex(r0));
  return { verdict: findings.length ? "fail" : "pass", r0, findings, instructions, maxStack };
}
