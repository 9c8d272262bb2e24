import type { Command } from "commander";
import type { X86Profile } from "../../jit/profile.ts";
import { type ComparedSet, compareSet } from "../import/capture/compare.ts";
import { openCapture } from "../import/capture/open.ts";
import { ComparisonTally, comparisonResult } from "../report/compare.ts";
import { reporter } from "../report/index.ts";
import { problemLines, problems } from "../report/problem.ts";
import { duration } from "../report/report.ts";
import type { RunResult } from "../runner/result.ts";
import { askedProfiles, captureFiles, isCapturePath, variantName } from "./captures.ts";
import { newCommand } from "./command.ts";
import { compareDumps, compareDumpsPretty } from "./compare-dump.ts";
import { addDumpPlaces, type DumpOptions } from "./dump-options.ts";
import { addShared, profileOption, readShared, type SharedOptions } from "./options.ts";
import { Output } from "./output.ts";

/** Differences that the report for people shows; every one counts. */
const SHOWN = 3;

type CompareOptions = SharedOptions & { as: (X86Profile | undefined)[] };

export function command(): Command {
  const compare = newCommand("compare", "Compiles what a kernel compiled and compares the machine code byte for byte.");
  compare.argument(
    "<CAPTURE...>",
    "captures (VARIANT.jsonl[.br]) or folders of them; or machine code as replay takes it, and its BPF: bpftool prog dump xlated with opcodes, or a scenario",
  );
  addShared(compare, ["filter", "reporter"]);
  compare.addOption(profileOption("compile for this profile instead of the captured kernel"));
  addDumpPlaces(compare);
  return compare.action(async (paths: string[], parsed: DumpOptions & { profile?: string[] }) => {
    const shared = await readShared(parsed as Record<string, unknown>);
    const options: CompareOptions = { ...shared, as: askedProfiles(shared, parsed) };
    if (paths.length && !paths.some(isCapturePath))
      return compareDumpFiles(paths, parsed, parsed.profile && shared.profiles, options);
    const files = captureFiles(paths);
    if (options.reporter === "pretty") return comparePretty(files, options);
    const output = new Output(options.output, options.color);
    const report = await reporter(options.reporter);
    const { failed } = await report(results(files, options), output.reportOptions());
    output.close();
    process.exitCode = failed ? 1 : 0;
  });
}

async function compareDumpFiles(
  paths: string[],
  parsed: DumpOptions,
  profiles: readonly string[] | undefined,
  { reporter: name, output: file, color }: CompareOptions,
): Promise<void> {
  const output = new Output(file, color);
  if (name === "pretty") process.exitCode = compareDumpsPretty(paths, parsed, profiles, output) ? 0 : 1;
  else {
    const report = await reporter(name);
    const { failed } = await report(one(compareDumps(paths, parsed, profiles).result), output.reportOptions());
    process.exitCode = failed ? 1 : 0;
  }
  output.close();
}

async function* one(result: RunResult): AsyncIterable<RunResult> {
  yield result;
}

async function* results(files: string[], options: CompareOptions): AsyncIterable<RunResult> {
  for (const file of files)
    for (const profile of options.as)
      for (const { compared, variant, ms } of compareFile(file, profile, options))
        yield comparisonResult(variant, file, compared, ms);
}

function* compareFile(file: string, profile: X86Profile | undefined, { filter }: CompareOptions) {
  const { capture, kernel } = openCapture(file, profile);
  const { programs } = capture;
  const variant = variantName(capture.variant, profile);
  for (const record of capture.records) {
    if (filter && !filter.test(record.set)) continue;
    const start = performance.now();
    const compared = compareSet(kernel, record, programs.get(record.set)!);
    yield { compared, variant, ms: performance.now() - start };
  }
}

function comparePretty(files: string[], options: CompareOptions): void {
  const output = new Output(options.output, options.color);
  const { colors, write } = output.reportOptions();
  const total = new ComparisonTally();
  let shown = 0;
  for (const [file, profile] of files.flatMap((file) => options.as.map((profile) => [file, profile] as const))) {
    const start = performance.now();
    const tally = new ComparisonTally();
    let variant = "";
    const differing: { compared: ComparedSet; variant: string; ms: number }[] = [];
    for (const result of compareFile(file, profile, options)) {
      variant = result.variant;
      tally.add(result.compared);
      total.add(result.compared);
      if (isDifferent(result.compared)) differing.push(result);
    }
    write(`${colors.bold(variant || file)}  ${colors.dim(duration(performance.now() - start))}\n`);
    for (const line of tally.families(colors)) write(`${line}\n`);
    write(`  xlated identical ${tally.sameXlated} of ${tally.programs} programs\n`);
    for (const { compared, ms } of differing) {
      if (shown++ >= SHOWN) break;
      write(`${colors.red("✗")} ${colors.bold(compared.set)}\n`);
      const [problem] = problems(comparisonResult(variant, file, compared, ms));
      for (const line of problemLines(problem, colors.bold)) write(`    ${line}\n`);
    }
  }
  const { trampolines } = total;
  if (trampolines.all) write(`trampolines among them: identical ${trampolines.identical} of ${trampolines.all}\n`);
  const same = total.identical === total.functions && total.functions > 0;
  const paint = same ? colors.green : colors.red;
  write(`${paint(`identical ${total.identical} of ${total.functions} functions`)}\n`);
  output.close();
  process.exitCode = same ? 0 : 1;
}

const isDifferent = ({ functions, error }: ComparedSet): boolean =>
  error !== undefined || functions.some(({ loaded, final }) => loaded || final);
