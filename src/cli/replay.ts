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
import { askedProfiles, captureFiles, variantName } from "./captures.ts";
import { newCommand } from "./command.ts";
import { addShared, profileOption, readShared, type SharedOptions } from "./options.ts";
import { Output } from "./output.ts";

/** Failures that the report for people shows; every one counts. */
const SHOWN = 5;

type ReplayOptions = SharedOptions & { ours: boolean; interpreter: boolean; as: (X86Profile | undefined)[] };

export function command(): Command {
  const replay = newCommand(
    "replay",
    "Runs the bytes that a kernel's JIT wrote, and holds the outcome against the kernel's.",
  );
  replay.argument("<CAPTURE...>", "captures (VARIANT.jsonl[.br]) or folders of them");
  replay.addOption(new Option("--ours", "run what our JIT makes of the same programs, at the same addresses"));
  replay.addOption(
    new Option("--interpreter", "run the same programs on the reference interpreter instead").conflicts("ours"),
  );
  addShared(replay, ["filter", "reporter"]);
  replay.addOption(profileOption("run what our JIT makes of the same programs for this profile, on a kernel like it"));
  return replay.action(
    async (paths: string[], parsed: { ours?: boolean; interpreter?: boolean; profile?: string[] }) => {
      const shared = await readShared(parsed as Record<string, unknown>);
      const { ours = false, interpreter = false } = parsed;
      if (interpreter && parsed.profile) throw new UserError("--interpreter runs programs for no profile");
      const options: ReplayOptions = { ...shared, ours, interpreter, as: askedProfiles(shared, parsed) };
      const files = captureFiles(paths);
      if (options.reporter === "pretty") return replayPretty(files, options);
      const output = new Output(options.output, options.color);
      const report = await reporter(options.reporter);
      const { failed } = await report(results(files, options), output.reportOptions());
      output.close();
      process.exitCode = failed ? 1 : 0;
    },
  );
}

async function* results(files: string[], options: ReplayOptions): AsyncIterable<RunResult> {
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

function replayPretty(files: string[], options: ReplayOptions): void {
  const output = new Output(options.output, options.color);
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
  output.close();
  process.exitCode = total.failed ? 1 : 0;
}
