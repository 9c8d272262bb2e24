import type { BruteResult } from "../native/brute.ts";
import type { NativeResult } from "../native/check.ts";
import type { ReportOptions } from "./report.ts";

/** One line for each profile, and what differs. */
export function nativeText(
  { profile, programs, runs, skipped, disagreements }: NativeResult,
  { colors }: ReportOptions,
): string {
  const mark = disagreements.length ? colors.red("✗") : colors.green("✓");
  const left = skipped ? `, ${skipped} left out as they call helpers` : "";
  const head = `${mark} ${colors.bold(profile)}  ${programs} programs, ${runs} runs: ${disagreements.length} disagreements between emulator and CPU${left}\n`;
  const lines = disagreements.map(
    ({ index, step, what, emulator, cpu }) =>
      `    program ${index} step ${step}: ${what}\n      emulator  ${emulator}\n      CPU       ${cpu}\n`,
  );
  return head + lines.join("");
}

/** The same for programs. */
export function nativeJson(results: readonly NativeResult[], ms: number): string {
  const sum = (field: "programs" | "runs" | "skipped"): number => results.reduce((all, one) => all + one[field], 0);
  const summary = {
    programs: sum("programs"),
    runs: sum("runs"),
    skipped: sum("skipped"),
    disagreements: results.reduce((all, { disagreements }) => all + disagreements.length, 0),
    ms: Math.round(ms),
  };
  return `${JSON.stringify({ summary, results }, undefined, 2)}\n`;
}

/** One line for a scenario that ran on the CPU to its end. */
export function bruteText(name: string, { profile, r0, signal, values, ms }: BruteResult): string {
  const how = signal ? `ended by signal ${signal}` : r0 === undefined ? "has not ended" : `returns ${r0}`;
  const arrays = Object.entries(values).map(([element, value]) => `, ${element} = ${value}`);
  return `${name} on ${profile}  ${how} after ${(ms / 1000).toFixed(1)} s${arrays.join("")}\n`;
}
