import type { ReplayResult } from "../import/capture/replay.ts";
import type { RunResult, Verdict } from "../runner/result.ts";

/** Counts of replayed runs. */
export class ReplayTally {
  readonly #counts: Record<ReplayResult["status"], number> = { same: 0, differs: 0, stopped: 0, unknown: 0, failed: 0 };
  #known = 0;
  #broken = 0;

  add(result: ReplayResult): void {
    this.#counts[result.status]++;
    if (result.known) this.#known++;
    if (verdictOf(result) === "fail") this.#broken++;
  }

  get failed(): number {
    return this.#broken;
  }

  /** The parts that are not zero. */
  describe(): string {
    const { same, differs, stopped, unknown, failed } = this.#counts;
    const parts: [number, string][] = [
      [same, "runs the same"],
      [differs, "differ"],
      [failed, "could not be run"],
      [stopped, "stopped past the limit, as the kernel would not have"],
      [unknown, "not comparable"],
      [this.#known, "break tail-call-limit as this kernel does"],
    ];
    return parts
      .filter(([count]) => count > 0)
      .map(([count, what]) => `${count} ${what}`)
      .join(", ");
  }

  /** "same 3063 of 3063 runs" */
  summary(): string {
    const { same, differs, failed } = this.#counts;
    const broken = this.#broken - differs - failed;
    return `same ${same} of ${same + differs + failed} runs${broken ? `, a contract broken in ${broken}` : ""}`;
  }
}

/** A run passes when its outcome is the kernel's, and breaks when that is how this kernel is known to break. */
function verdictOf({ status, findings, known }: ReplayResult): Verdict {
  if (status === "differs" || status === "failed") return "fail";
  if (findings.length) return known ? "breaks" : "fail";
  if (status === "unknown") return "skip";
  return "pass";
}

const TITLES: Record<ReplayResult["status"], string> = {
  same: "same as the kernel",
  differs: "differs from the kernel",
  stopped: "never run by the kernel, and stopped here",
  unknown: "values depend on addresses or chance",
  failed: "could not be run",
};

/** A replayed run as a result, for the reporters. */
export function replayResult(variant: string, file: string, replayed: ReplayResult, ms: number): RunResult {
  const { outcome, status } = replayed;
  const verdict = verdictOf(replayed);
  return {
    scenario: `${replayed.set}/${replayed.run}`,
    title: TITLES[status],
    file,
    profile: variant,
    verdict,
    ...(verdict === "skip" || replayed.error ? { reason: replayed.error ?? TITLES[status] } : {}),
    ...(outcome?.r0 === undefined ? {} : { r0: outcome.r0 }),
    tailCalls: BigInt(outcome?.tailCalls ?? 0),
    instructions: outcome?.instructions ?? 0,
    maxStack: outcome?.maxStack ?? 0,
    findings: replayed.findings,
    mismatches: replayed.differences.map(({ path, expected, actual }) => ({
      path,
      expected,
      actual,
      line: 0,
      column: 0,
    })),
    ms,
  };
}
