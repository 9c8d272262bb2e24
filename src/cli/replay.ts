import { type Command, Option } from "commander";
import type { X86Profile } from "../../jit/profile.ts";
import { UserError } from "../error.ts";
import { openCapture } from "../import/capture/open.ts";
import { type ReplayResult, replaySet } from "../import/capture/replay.ts";
import { reporter } from "../report/index.ts";
import { problemLines, problems } from "../report/problem.ts";
import { ReplayTally, replayResult } from "../report/replay.ts";
import { duration } from "../report/report.ts";
import type { RunResult } from "../runner/result.ts";
import { askedProfiles, captureFiles, isCapturePath, variantName } from "./captures.ts";
import { newCommand } from "./command.ts";
import { addDump, type DumpOptions } from "./dump-options.ts";
import { addShared, profileOption, readShared, type SharedOptions } from "./options.ts";
import { Output } from "./output.ts";
import { dumpResults, replayDumpPretty } from "./replay-dump.ts";
import { addHex, type HexOptions, replayHex } from "./replay-hex.ts";

/** Failures that the report for people shows; every one counts. */
const SHOWN = 5;

type ReplayOptions = SharedOptions & {
  ours: boolean;
  interpreter: boolean;
  as: (X86Profile | undefined)[];
  dump: DumpOptions;
  /** --profile as it was given */
  asked?: readonly string[];
};

interface Parsed extends DumpOptions, HexOptions {
  ours?: boolean;
  interpreter?: boolean;
  profile?: string[];
}

export function command(): Command {
  const replay = newCommand(
    "replay",
    "Runs the bytes that a kernel's JIT wrote, and holds the outcome against the kernel's, or against the contracts.",
  );
  replay.argument(
    "[DUMP...]",
    "captures (VARIANT.jsonl[.br]) or folders of them; output of bpftool prog dump jited with opcodes, a log with bpf_jit_enable=2, a jitdump, hex, raw bytes",
  );
  replay.addOption(new Option("--ours", "capture: run what our JIT makes of the same programs, at the same addresses"));
  replay.addOption(
    new Option("--interpreter", "capture: run the same programs on the reference interpreter instead").conflicts(
      "ours",
    ),
  );
  addShared(replay, ["filter", "reporter"]);
  replay.addOption(
    profileOption("capture: run what our JIT makes of it for this profile; dump: run it on this kernel"),
  );
  addHex(addDump(replay));
  return replay.action(async (paths: string[], parsed: Parsed) => {
    const shared = await readShared(parsed as Record<string, unknown>);
    const { ours = false, interpreter = false } = parsed;
    if (interpreter && parsed.profile) throw new UserError("--interpreter runs programs for no profile");
    const asked = parsed.profile ? { asked: shared.profiles } : {};
    const options: ReplayOptions = {
      ...shared,
      ours,
      interpreter,
      as: askedProfiles(shared, parsed),
      dump: parsed,
      ...asked,
    };
    if (parsed.hex !== undefined) return replayBytes(paths, parsed, options);
    if (parsed.regs || parsed.mem) throw new UserError(`${parsed.regs ? "--regs" : "--mem"} is for --hex`);
    if (!paths.length) captureFiles(paths);
    const dumps = paths.filter((path) => !isCapturePath(path));
    const captures = paths.filter(isCapturePath);
    const files = captures.length ? captureFiles(captures) : [];
    if (options.reporter === "pretty") return replayPretty(files, dumps, options);
    const output = new Output(options.output, options.color);
    const report = await reporter(options.reporter);
    const { failed } = await report(results(files, dumps, options), output.reportOptions());
    output.close();
    process.exitCode = failed ? 1 : 0;
  });
}

function replayBytes(paths: readonly string[], parsed: Parsed, { reporter, output: file, color }: ReplayOptions): void {
  if (paths.length) throw new UserError("--hex gives the bytes; expected no file beside it", { file: paths[0] });
  if (reporter !== "pretty" && reporter !== "json") throw new UserError("--hex reports as pretty or json");
  const output = new Output(file, color);
  const broken = replayHex(parsed, output, reporter === "json");
  output.close();
  process.exitCode = broken ? 1 : 0;
}

async function* results(files: string[], dumps: string[], options: ReplayOptions): AsyncIterable<RunResult> {
  for (const file of dumps) for (const { result } of dumpResults(file, options.dump, options.asked)) yield result;
  for (const file of files)
    for (const profile of options.as)
      for (const { replayed, variant, ms } of replayFile(file, profile, options))
        yield replayResult(variant, file, replayed, ms);
}

function* replayFile(
  file: string,
  profile: X86Profile | undefined,
  { filter, ours, interpreter }: ReplayOptions,
): Generator<{ replayed: ReplayResult; variant: string; ms: number }> {
  const { capture, kernel, machine } = openCapture(file, profile);
  const bytes = interpreter ? "interpreted" : profile ? "elsewhere" : ours ? "ours" : "captured";
  const variant = variantName(capture.variant, profile);
  for (const record of capture.records) {
    if (filter && !filter.test(record.set)) continue;
    let start = performance.now();
    for (const replayed of replaySet(capture, kernel, record, { ...machine, bytes })) {
      yield { replayed, variant, ms: performance.now() - start };
      start = performance.now();
    }
  }
}

function replayPretty(files: string[], dumps: string[], options: ReplayOptions): void {
  const output = new Output(options.output, options.color);
  const broken = dumps.map((file) => replayDumpPretty(file, options.dump, options.asked, output));

  const replayed = files.length ? replayCaptures(files, options, output) : 0;
  output.close();
  process.exitCode = replayed || broken.some((count) => count > 0) ? 1 : 0;
}

/** Returns how many runs failed. */
function replayCaptures(files: string[], options: ReplayOptions, output: Output): number {
  const { colors, write } = output.reportOptions();
  const total = new ReplayTally();
  let shown = 0;
  for (const [file, profile] of files.flatMap((file) => options.as.map((profile) => [file, profile] as const))) {
    const start = performance.now();
    const tally = new ReplayTally();
    let name = file;
    for (const { replayed, variant, ms } of replayFile(file, profile, options)) {
      name = variant;
      tally.add(replayed);
      total.add(replayed);
      const result = replayResult(variant, file, replayed, ms);
      if (result.verdict !== "fail" && replayed.status !== "stopped") continue;
      if (result.verdict === "fail" && shown++ >= SHOWN) continue;
      const mark = result.verdict === "fail" ? colors.red("✗") : colors.yellow("!");
      write(`${mark} ${colors.bold(`${replayed.set} run ${replayed.run}`)}  ${result.title}\n`);
      for (const problem of problems(result).slice(0, SHOWN))
        for (const line of problemLines(problem, colors.bold)) write(`    ${line}\n`);
    }
    write(`${colors.bold(name)}  ${tally.describe()}  ${colors.dim(duration(performance.now() - start))}\n`);
  }
  const paint = total.failed ? colors.red : colors.green;
  write(`${paint(total.summary())}\n`);
  return total.failed;
}
