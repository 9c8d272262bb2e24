import { VerifierError } from "../../../bpf/verifier/index.ts";
import type { Finding } from "../../checks/finding.ts";
import type { Outcome } from "../../runner/session.ts";
import type { CaptureKernel } from "./compile.ts";
import { packetOf, runContext } from "./context.ts";
import type { CaptureRecord, ProgramsRecord, RunRecord } from "./format.ts";
import { captureProfile } from "./kernel.ts";
import { initialise, mapDifferences, recordedMaps } from "./maps.ts";
import type { Capture } from "./read.ts";
import { buildWorld, type CaptureWorld, type WorldOptions } from "./world.ts";

/** Instructions that a run may take. */
const BUDGET = 50_000_000;
/** MAX_TAIL_CALL_CNT */
const LIMIT = 33;

/**
 * One run of a set, held against what the kernel recorded. same: retval, maps and packet agree. differs: they don't. stopped:
 * the kernel never ran it, as it would not have ended, and neither did we past the limit. unknown: the values depend on
 * addresses or chance, so nothing is compared. failed: it could not be run.
 */
export interface ReplayResult {
  set: string;
  run: number;
  program: string;
  status: "same" | "differs" | "stopped" | "unknown" | "failed";
  /** broken contracts; `known` when the set's flags say that this kernel breaks it */
  findings: Finding[];
  known: boolean;
  differences: { path: string; expected: string; actual: string }[];
  outcome?: Outcome;
  error?: string;
}

/** All runs of one set, in order. */
export function* replaySet(
  capture: Capture,
  kernel: CaptureKernel,
  record: CaptureRecord,
  options: WorldOptions,
): Generator<ReplayResult> {
  const source = capture.programs.get(record.set);
  if (!source?.runs?.length) return;
  const flags = new Set(source.flags ?? []);
  if (flags.has("norun")) return;
  const why = options.bytes === "elsewhere" ? incomparable(capture, kernel, record, flags) : undefined;
  if (why) return yield* unknown(source, why);
  let world: CaptureWorld | undefined;
  let run = 0;
  try {
    world = buildWorld(kernel, record, source, options);
    for (; run < source.runs.length; run++)
      yield replayRun(world, source, run, record.runs?.[run], flags, kernel.profile.design !== "tcc-ptr");
  } catch (error) {
    if (options.bytes === "elsewhere" && error instanceof VerifierError)
      return yield* unknown(source, `${kernel.profile.name} refuses it: ${error.message}`);
    yield {
      set: record.set,
      run,
      program: source.runs[run].prog,
      status: "failed",
      findings: [],
      known: false,
      differences: [],
      error: (error as Error).message,
    };
  } finally {
    world?.machine.close();
  }
}

/** Why another profile's code cannot be expected to do what the captured kernel's did; undefined: it can. */
function incomparable(
  { kernel: captured, file }: Capture,
  { profile }: CaptureKernel,
  { trampolines }: CaptureRecord,
  flags: Set<string>,
): string | undefined {
  if ((trampolines?.length || flags.has("trampoline")) && !profile.trampoline)
    return `${profile.name} has no trampolines`;
  const countsAlike = captureProfile(captured, file).design === profile.design;
  return flags.has("tcc_divergent") && !countsAlike ? "the kernels count tail calls differently here" : undefined;
}

function* unknown({ set, runs }: ProgramsRecord, error: string): Generator<ReplayResult> {
  for (const [run, { prog: program }] of runs!.entries())
    yield { set, run, program, status: "unknown", findings: [], known: false, differences: [], error };
}

function replayRun(
  world: CaptureWorld,
  source: ProgramsRecord,
  run: number,
  recorded: RunRecord | undefined,
  flags: Set<string>,
  countsPerFrame: boolean,
): ReplayResult {
  const request = source.runs![run];
  const program = world.entries.get(request.prog);
  if (!program) throw new RangeError(`run ${run} enters ${request.prog}, which is no program of the set`);
  initialise(world.kernel, request);
  const context = runContext(world.kernel, program.type, request.data_len);
  const outcome = world.session.enter({
    entry: program.entry,
    context: context.address,
    budget: BUDGET,
    // without a record nobody knows that it ends
    tailCallLimit: recorded ? undefined : LIMIT,
  });
  const known = countsPerFrame && flags.has("tcc_divergent") && onlyTheLimit(outcome.findings);
  const result = { set: source.set, run, program: request.prog, findings: outcome.findings, known, outcome };
  if (!recorded) return { ...result, status: "stopped", differences: [] };
  if (flags.has("nondet")) return { ...result, status: "unknown", differences: [] };
  const differences = compareRun(world, recorded, outcome, request.data_len, context.packet?.());
  return { ...result, status: differences.length ? "differs" : "same", differences };
}

const onlyTheLimit = (findings: Finding[]): boolean =>
  findings.length > 0 && findings.every(({ check }) => check === "tail-call-limit");

function compareRun(
  world: CaptureWorld,
  recorded: RunRecord,
  outcome: Outcome,
  length: number,
  packet: Uint8Array | undefined,
) {
  const differences = [];
  const retval = outcome.r0 === undefined ? "(did not return)" : String(BigInt.asUintN(32, outcome.r0));
  if (retval !== String(recorded.retval))
    differences.push({ path: "retval", expected: String(recorded.retval), actual: retval });
  const expected = recorded.data_out ?? Buffer.from(packetOf(length)).toString("hex");
  const actual = packet && Buffer.from(packet).toString("hex");
  if (actual !== undefined && actual !== expected) differences.push({ path: "data_out", expected, actual });
  return [...differences, ...mapDifferences(recorded.maps, recordedMaps(world.kernel))];
}
