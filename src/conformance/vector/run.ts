import { ClassicError } from "../../../bpf/classic/error.ts";
import { kernels } from "../../../bpf/verifier/index.ts";
import { JitError } from "../../../jit/error.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { PROFILES, profileNamed } from "../../../jit/profiles/index.ts";
import { UserError } from "../../error.ts";
import type { Mismatch } from "../../runner/result.ts";
import { verifierOf } from "../../runner/verifier-of.ts";
import type { Execution, ExecutionSettings, Loaded, Prepared } from "../execution.ts";
import { loadInterpreted } from "../on-interpreter.ts";
import { loadCompiled } from "../on-machine.ts";
import { type ConformanceResult, hex, INTERPRETER, nothingRun } from "../result.ts";
import { enterVector } from "./context.ts";
import type { Vector, VectorRun } from "./format.ts";
import { prepareVector } from "./prepare.ts";

/** Instructions that a run may take: the longest program of test_bpf is 200,000 long, and a few have loops. */
const BUDGET = 100_000_000;
const EINVAL = -22;

/** Where a vector is from. */
export interface VectorPlace {
  file: string;
  line: number;
}

/** A vector on a kernel's JIT, or in the interpreter (name "interpreter"). */
export function runVector(vector: Vector, place: VectorPlace, name: string): ConformanceResult {
  const start = performance.now();
  const base = { scenario: vector.name, title: vector.name, file: place.file, profile: name, ...nothingRun() };
  const finish = (result: Partial<ConformanceResult>): ConformanceResult => {
    const { findings = [], mismatches = [] } = result;
    const verdict = findings.length || mismatches.length ? "fail" : "pass";
    return { ...base, jited: false, verdict, ...result, ms: performance.now() - start };
  };
  const profile = name === INTERPRETER ? undefined : profileNamed(name);
  if (!profile && name !== INTERPRETER) throw new UserError(`unknown profile "${name}"`);
  const kernel = profile ? verifierOf(profile) : kernels[PROFILES[PROFILES.length - 1].name];
  if (vector.language === "cbpf" && !kernel.expandLdAbs)
    return finish({ verdict: "skip", reason: "classic filters are converted as kernels do since 4.18" });
  let prepared: Prepared;
  try {
    prepared = prepareVector(vector, kernel);
  } catch (error) {
    if (!(error instanceof ClassicError)) throw error;
    return finish({ mismatches: refused(vector, error, place.line) });
  }
  if (vector.flags.has("EXPECTED_FAIL"))
    return finish({ mismatches: [mismatch("load", `errno ${vector.expectedErrcode}`, "it loads", place.line)] });
  const settings = { kernel, budget: BUDGET };
  const { loaded, jited } = load(prepared, profile, settings);
  try {
    return finish({ ...new Judge(vector, place.line, prepared, settings).runAll(loaded), jited });
  } finally {
    loaded.close();
  }
}

/** Where the JIT gives up, the kernel interprets. */
function load(prepared: Prepared, profile: X86Profile | undefined, settings: ExecutionSettings) {
  if (!profile) return { loaded: loadInterpreted(prepared, settings), jited: false };
  try {
    return { loaded: loadCompiled(prepared, profile, settings), jited: true };
  } catch (error) {
    if (!(error instanceof JitError)) throw error;
    return { loaded: loadInterpreted(prepared, settings), jited: false };
  }
}

/** A filter that the kernel does not take; right where that is what the vector is about. */
function refused({ flags, expectedErrcode }: Vector, error: ClassicError, line: number): Mismatch[] {
  if (flags.has("EXPECTED_FAIL") && expectedErrcode === EINVAL) return [];
  const expected = flags.has("EXPECTED_FAIL") ? `errno ${expectedErrcode}` : "it loads";
  return [mismatch("load", expected, `errno ${EINVAL}: instruction ${error.slot}: ${error.message}`, line)];
}

const mismatch = (path: string, expected: string, actual: string, line: number): Mismatch => ({
  path,
  expected,
  actual,
  line,
  column: 1,
});

/** Holds the runs of one program against what the vector says. */
class Judge {
  readonly #vector: Vector;
  readonly #line: number;
  readonly #prepared: Prepared;
  readonly #settings: ExecutionSettings;

  constructor(vector: Vector, line: number, prepared: Prepared, settings: ExecutionSettings) {
    this.#vector = vector;
    this.#line = line;
    this.#prepared = prepared;
    this.#settings = settings;
  }

  runAll(loaded: Loaded): Partial<ConformanceResult> {
    const all = { ...nothingRun(), mismatches: [] as Mismatch[], findings: [] as Execution["findings"] };
    let bigEndian = false;
    let r0: bigint | undefined;
    this.#vector.runs.forEach((run, index) => {
      const execution = this.#execute(loaded, run);
      all.findings.push(...execution.findings);
      all.instructions += execution.instructions;
      all.maxStack = Math.max(all.maxStack, execution.maxStack);
      r0 = execution.r0;
      if (low32(r0) === BigInt(run.result)) return;
      if (r0 !== undefined && this.#isBigEndian(run, low32(r0))) bigEndian = true;
      else if (r0 !== undefined || execution.findings.length === 0)
        all.mismatches.push(this.#wrong(run, index, execution));
    });
    return { ...all, ...(r0 === undefined ? {} : { r0 }), ...(bigEndian ? { bigEndian } : {}) };
  }

  #execute(loaded: Loaded, run: VectorRun): Execution {
    return loaded.run((room) => enterVector(this.#vector, run, room));
  }

  #wrong({ dataSize, result }: VectorRun, index: number, { r0, stopped }: Execution): Mismatch {
    const which = this.#vector.flags.has("NO_DATA") ? "" : ` (${dataSize} bytes of data)`;
    const actual = r0 === undefined ? (stopped ?? "it did not return") : hex(low32(r0)!);
    return mismatch(`run ${index + 1}${which}`, hex(BigInt(result)), actual, this.#line);
  }

  /**
   * The vector says what a big-endian CPU computes (it was compiled for one), and what came out is right on ours: both by the
   * reference interpreter.
   */
  #isBigEndian(run: VectorRun, actual: bigint | undefined): boolean {
    const on = (byteOrder: "little" | "big"): bigint | undefined =>
      low32(this.#execute(loadInterpreted(this.#prepared, this.#settings, byteOrder), run).r0);
    return on("big") === BigInt(run.result) && on("little") === actual;
  }
}

const low32 = (value: bigint | undefined): bigint | undefined =>
  value === undefined ? undefined : BigInt.asUintN(32, value);
