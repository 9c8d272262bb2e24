import type { RunResult } from "../runner/result.ts";

/** What a run comes to; `passed` counts pass and breaks. */
export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** wall-clock milliseconds */
  ms: number;
}

/** How words are painted, e.g. picocolors. */
export type Colors = Record<"red" | "green" | "yellow" | "bold" | "dim" | "inverse", (text: string) => string>;

export interface ReportOptions {
  write(text: string): void;
  colors: Colors;
  /** wall-clock milliseconds since the work began */
  elapsed(): number;
  /** columns to stay within, where the report is a table */
  width: number;
  /** where GitHub wants the job's summary, $GITHUB_STEP_SUMMARY */
  stepSummary?: string;
}

/** Writes results as they come, or all at the end, and says what they come to. */
export type Reporter = (results: AsyncIterable<RunResult>, options: ReportOptions) => Promise<Summary>;

/** Counts results on their way to a report. */
export class Tally {
  readonly #options: ReportOptions;
  #passed = 0;
  #failed = 0;
  #skipped = 0;
  /** of those passed, how many break as declared */
  broken = 0;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  add({ verdict }: RunResult): void {
    if (verdict === "fail") this.#failed++;
    else if (verdict === "skip") this.#skipped++;
    else this.#passed++;
    if (verdict === "breaks") this.broken++;
  }

  summary(): Summary {
    const ms = Math.round(this.#options.elapsed());
    return { passed: this.#passed, failed: this.#failed, skipped: this.#skipped, ms };
  }
}

/** All results, counted. */
export async function collect(results: AsyncIterable<RunResult>, options: ReportOptions) {
  const tally = new Tally(options);
  const all: RunResult[] = [];
  for await (const result of results) {
    tally.add(result);
    all.push(result);
  }
  return { results: all, summary: tally.summary(), broken: tally.broken };
}

/** Results of each scenario together, scenarios in the order of their first result. */
export function byScenario(results: readonly RunResult[]): RunResult[][] {
  const groups = new Map<string, RunResult[]>();
  for (const result of results) {
    const group = groups.get(result.scenario);
    if (group) group.push(result);
    else groups.set(result.scenario, [result]);
  }
  return [...groups.values()];
}

/** "41 passed (3 break as declared), 0 failed, 2 skipped in 1.2 s" */
export function summaryLine({ passed, failed, skipped, ms }: Summary, broken: number): string {
  const declared = broken ? ` (${broken} ${broken === 1 ? "breaks" : "break"} as declared)` : "";
  const left = skipped ? `, ${skipped} skipped` : "";
  return `${passed} passed${declared}, ${failed} failed${left} in ${duration(ms)}`;
}

export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
