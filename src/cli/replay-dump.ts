import { runDumped } from "../import/dump/replay.ts";
import { kernelText, recognisedText } from "../report/dump/recognised.ts";
import { dumpResult, outcomeText } from "../report/dump/result.ts";
import { problemLines, problems } from "../report/problem.ts";
import type { RunResult } from "../runner/result.ts";
import { type DumpOptions, type OpenDump, openDump } from "./dump-options.ts";
import type { Output } from "./output.ts";

/** Findings that the report for people shows of a run. */
const SHOWN = 5;

/** Run every entry of a dump with all contracts on. */
export function* dumpResults(
  file: string,
  options: DumpOptions,
  profiles?: readonly string[],
  opened?: (dump: OpenDump) => void,
): Generator<{ entry: string; result: RunResult; text: string }> {
  const dump = openDump(file, options, profiles);
  opened?.(dump);
  const { functions, profile, entries, run } = dump;
  for (const entry of entries) {
    const start = performance.now();
    const outcome = runDumped(functions, profile, entry, run);
    const result = dumpResult(file, entry, profile.name, outcome, performance.now() - start);
    yield { entry, result, text: outcomeText(outcome) };
  }
}

/** What a dump is, what was recognised in it, and how it ran. Returns how many runs broke a contract. */
export function replayDumpPretty(
  file: string,
  options: DumpOptions,
  profiles: readonly string[] | undefined,
  output: Output,
): number {
  const { colors, write } = output.reportOptions();

  let failed = 0;
  const opened = (dump: OpenDump): void => {
    const { format, functions, notes, kernel, profile, nameOf } = dump;
    const count = `${functions.length} function${functions.length === 1 ? "" : "s"}`;
    write(`${colors.bold(file)}  ${format}, ${count}; ${kernelText(kernel)}; run as on ${profile.name}\n`);
    for (const note of notes) write(`  ${colors.yellow("!")} ${note}\n`);
    for (const found of functions) {
      write(`  ${colors.bold(found.name)}  0x${found.address.toString(16)}, ${found.bytes.length} bytes\n`);
      for (const line of recognisedText(found, nameOf)) write(`    ${line}\n`);
    }
  };
  for (const { entry, result, text } of dumpResults(file, options, profiles, opened)) {
    const isBroken = result.verdict === "fail";
    if (isBroken) failed++;
    write(`${isBroken ? colors.red("✗") : colors.green("✓")} ${colors.bold(entry)}  ${text}\n`);
    if (!isBroken) continue;
    for (const problem of problems(result).slice(0, SHOWN))
      for (const line of problemLines(problem, colors.bold)) write(`    ${line}\n`);
  }
  return failed;
}
