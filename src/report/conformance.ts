import { type ConformanceResult, INTERPRETER } from "../conformance/result.ts";
import { type Colors, duration } from "./report.ts";

interface Count {
  passed: number;
  failed: number;
  skipped: number;
  jited: number;
  ms: number;
}

/** Names that the list of inapplicable tests shows for one reason. */
const MOST_NAMES = 20;

const NOTES: Record<string, string> = {
  bigEndian: "made for a big-endian CPU: its results are confirmed, ours are held against the interpreter's",
  repaired: "made with a stub for a random generator: its numbers are put in again",
};

/** Counts of results: by place (profile or interpreter), and of cases, which pass where all their results do. */
export class ConformanceTally {
  readonly #places = new Map<string, Count>();
  /** by name of the case and reason, where it holds */
  readonly #skipped = new Map<string, { name: string; reason: string; places: string[] }>();
  #case = "";
  #verdict: "passed" | "failed" | "skipped" = "skipped";
  #jited = false;
  readonly #notes = new Map<string, Set<string>>();
  readonly #cases = { passed: 0, failed: 0, skipped: 0 };
  #jitedCases = 0;

  /** Results of one case come one after another; `id` tells cases apart. */
  add(result: ConformanceResult, id: string): void {
    if (id !== this.#case) this.#endCase(id);
    const { verdict, profile, jited, ms } = result;
    const count = this.#places.get(profile) ?? { passed: 0, failed: 0, skipped: 0, jited: 0, ms: 0 };
    this.#places.set(profile, count);
    count.ms += ms;
    if (jited) count.jited++;
    const outcome = verdict === "fail" ? "failed" : verdict === "skip" ? "skipped" : "passed";
    count[outcome]++;
    if (outcome === "failed" || this.#verdict === "skipped") this.#verdict = outcome;
    if (jited) this.#jited = true;
    if (result.bigEndian) this.#note("bigEndian", id);
    if (result.repaired) this.#note("repaired", id);
    if (outcome === "skipped") this.#skip(result.scenario, result.reason ?? "", profile);
  }

  #skip(name: string, reason: string, place: string): void {
    const key = `${name}\0${reason}`;
    const known = this.#skipped.get(key);
    if (known) known.places.push(place);
    else this.#skipped.set(key, { name, reason, places: [place] });
  }

  #note(what: keyof typeof NOTES, id: string): void {
    const ids = this.#notes.get(what);
    if (ids) ids.add(id);
    else this.#notes.set(what, new Set([id]));
  }

  #endCase(next: string): void {
    if (this.#case) {
      this.#cases[this.#verdict]++;
      if (this.#jited) this.#jitedCases++;
    }
    this.#case = next;
    this.#verdict = "skipped";
    this.#jited = false;
  }

  get failed(): number {
    this.#endCase("");
    return this.#cases.failed;
  }

  /** What did not apply, and why: a line for each reason and the places where it holds. */
  inapplicable(): string[] {
    const groups = new Map<string, string[]>();
    for (const { name, reason, places } of this.#skipped.values()) {
      const where = places.length === this.#places.size ? "" : ` on ${places.join(", ")}`;
      const key = `${where}: ${reason}`;
      groups.set(key, [...(groups.get(key) ?? []), name]);
    }
    return [...groups].map(([key, names]) => {
      const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
      return `${names.slice(0, MOST_NAMES).join(", ")}${more}${key}`;
    });
  }

  /** A line for each place: `linux-6.12  1053 passed, 0 failed, 1041 JITed  38.1 s` (the time of all threads together). */
  places(colors: Colors): string[] {
    const width = Math.max(0, ...[...this.#places.keys()].map((name) => name.length));
    return [...this.#places].map(([name, { passed, failed, skipped, jited, ms }]) => {
      const parts = [`${passed} passed`, `${failed} failed`];
      if (skipped) parts.push(`${skipped} not applicable`);
      if (name !== INTERPRETER) parts.push(`${jited} JITed`);
      return `${name.padEnd(width)}  ${parts.join(", ")}  ${colors.dim(duration(ms))}`;
    });
  }

  /** What is special about cases that passed. */
  notes(): string[] {
    return [...this.#notes].map(([what, { size }]) => `${size} ${size === 1 ? "case" : "cases"} ${NOTES[what]}`);
  }

  /** `1053 passed, 0 failed, 1041 JITed in 84.2 s`, the time on the wall */
  summary(ms: number): string {
    this.#endCase("");
    const { passed, failed, skipped } = this.#cases;
    const more = [
      ...(skipped ? [`${skipped} not applicable`] : []),
      ...(this.#jitedCases ? [`${this.#jitedCases} JITed`] : []),
    ];
    return `${[`${passed} passed`, `${failed} failed`, ...more].join(", ")} in ${duration(ms)}`;
  }
}
