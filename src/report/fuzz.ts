import type { Reduced } from "../fuzz/reduce.ts";
import type { Tally } from "../fuzz/tally.ts";
import type { ReportOptions } from "./report.ts";

/** How long a campaign took. */
export interface Spent {
  /** programs of this run, without those before --resume */
  programs: number;
  ms: number;
  /** user and system time of all threads */
  cpuMs: number;
}

/** A disagreement, and the file that shows it. */
export interface Found {
  reduced: Reduced;
  file: string;
}

const count = (n: number, what: string): string => `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
const perSecond = (programs: number, ms: number): number => Math.round(programs / Math.max(ms / 1000, 1e-9));

/** One line while it goes on. */
export function progressLine(tally: Tally, total: number, { programs, ms }: Spent): string {
  const { totals, disagreements, coverage, settings } = tally;
  const pairs = settings.profiles.reduce((sum, profile) => sum + coverage.counts(profile).pairs, 0);
  return `${totals.programs}/${total} programs, ${perSecond(programs, ms)}/s, ${pairs} of opcode x shape x profile, ${disagreements.length} disagreements`;
}

/** What each profile ran, what disagreed, and how fast. */
export function fuzzText(tally: Tally, found: readonly Found[], spent: Spent, { colors }: ReportOptions): string {
  const { totals, settings, coverage, disagreements } = tally;
  const lines = settings.profiles.map((profile) => {
    const broken = disagreements.filter(({ disagreement }) => disagreement.profile === profile).length;
    const { opcodes, shapes, pairs } = coverage.counts(profile);
    const mark = broken ? colors.red("✗") : colors.green("✓");
    const covered = `${opcodes} opcodes in ${shapes} shapes (${pairs} pairs)`;
    return `${mark} ${colors.bold(profile)}  ${broken ? count(broken, "disagreement") : "agrees"}, ${covered}`;
  });
  for (const { reduced, file } of found) lines.push(...foundLines(reduced, file, colors.bold));
  const sizes = `${count(totals.loaded, "BPF program")}, ${count(totals.slots, "instruction")}, ${count(totals.tailCalls, "tail call")} taken`;
  lines.push(
    `${count(totals.programs, "program")} of seed ${settings.seed} (${sizes}), ${count(totals.compared, "comparison")}`,
  );
  if (totals.tooLong) lines.push(`${count(totals.tooLong, "program")} took too long to be compared`);
  if (totals.pastLimit)
    lines.push(`${count(totals.pastLimit, "program")} went past the limit where the design is known to`);
  const speed = `${perSecond(spent.programs, spent.ms)}/s, ${perSecond(spent.programs, spent.cpuMs)} per second of CPU`;
  const total = disagreements.length
    ? colors.red(count(disagreements.length, "disagreement"))
    : colors.green("0 disagreements");
  lines.push(`${total} in ${(spent.ms / 1000).toFixed(1)} s, ${speed}`);
  return lines.map((line) => `${line}\n`).join("");
}

function foundLines({ index, disagreement, slots }: Reduced, file: string, bold: (text: string) => string): string[] {
  const { profile, what, expected, actual, finding } = disagreement;
  return [
    `    ${bold(`program ${index} on ${profile}: ${what}`)}${finding ? `  ${finding.message}` : ""}`,
    `      expected  ${expected}`,
    `      actual    ${actual}`,
    `      smallest  ${slots} instructions, ${file}`,
  ];
}

/** The same for programs. */
export function fuzzJson(tally: Tally, found: readonly Found[], spent: Spent): string {
  const { totals, settings, coverage, disagreements } = tally;
  const summary = {
    ...totals,
    disagreements: disagreements.length,
    ms: Math.round(spent.ms),
    cpuMs: Math.round(spent.cpuMs),
    perSecond: perSecond(spent.programs, spent.ms),
    perCpuSecond: perSecond(spent.programs, spent.cpuMs),
  };
  const results = {
    ...settings,
    from: tally.from,
    next: tally.next,
    coverage: Object.fromEntries(settings.profiles.map((profile) => [profile, coverage.counts(profile)])),
    disagreements: disagreements.map(({ index, disagreement }) => ({ index, ...disagreement })),
    found: found.map(({ reduced, file }) => ({ index: reduced.index, slots: reduced.slots, file })),
  };
  return `${JSON.stringify({ summary, ...results }, undefined, 2)}\n`;
}
