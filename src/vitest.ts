/** Matchers for vitest, which is not installed along: `import "jitproof/vitest"` in a test or in a setup file. */
import { expect } from "vitest";
import type { Run } from "./library/run.ts";
import { fromFinding, problemLines } from "./report/problem.ts";
import { normal } from "./runner/pictures.ts";
import type { CheckName } from "./scenario/names.ts";

/** What `expect(run)` can do, run being a Run of jitproof. */
export interface RunMatchers<R = unknown> {
  /** so many tail calls were taken */
  toTakeTailCalls(count: number | bigint): R;
  /** these registers are after the run what they were before, and every function in it gave them back: "rbx" */
  toPreserve(...registers: string[]): R;
  /** the stack at a moment ("tail call 1", see Run.stackAt) looks like that; blanks don't count */
  toMatchStack(moment: string, picture: string): R;
  /** no contract is broken */
  toKeepContracts(): R;
  /** this contract is broken */
  toBreak(check: CheckName): R;
}

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: as vitest declares it
  interface Matchers<T = any> extends RunMatchers<T> {}
}

const findingsText = ({ findings, name }: Run): string =>
  findings.flatMap((finding) => problemLines(fromFinding(finding, name))).join("\n");

expect.extend({
  toTakeTailCalls(run: Run, count: number | bigint) {
    return {
      pass: run.tailCalls === BigInt(count),
      message: () => `${run.name}: expected ${this.isNot ? "not " : ""}${count} tail calls, ${run.tailCalls} are taken`,
    };
  },

  toPreserve(run: Run, ...registers: string[]) {
    const lost = registers.flatMap((name) => {
      const [before, after] = [run.before[name], run.after[name]];
      if (before === undefined) throw new TypeError(`${name} is no register: expected rax to r15`);
      if (before !== after) return [`${name} was 0x${before.toString(16)} and is 0x${after.toString(16)}`];
      const finding = run.findings.find(
        ({ check, expected }) => check === "callee-saved" && expected.startsWith(`${name} =`),
      );
      return finding ? [finding.message] : [];
    });
    return {
      pass: lost.length === 0,
      message: () =>
        lost.length ? `${run.name}: ${lost.join("; ")}` : `${run.name}: ${registers.join(", ")} survived the run`,
    };
  },

  toMatchStack(run: Run, moment: string, picture: string) {
    const drawn = run.stackAt(moment);
    return {
      pass: drawn !== undefined && normal(drawn) === normal(picture),
      message: () => `${run.name}: the stack at ${moment} ${drawn === undefined ? "is never there" : "differs"}`,
      expected: normal(picture),
      actual: drawn === undefined ? undefined : normal(drawn),
    };
  },

  toKeepContracts(run: Run) {
    return {
      pass: run.findings.length === 0,
      message: () =>
        run.findings.length ? `${run.name}:\n${findingsText(run)}` : `${run.name}: no contract is broken`,
    };
  },

  toBreak(run: Run, wanted: CheckName) {
    return {
      pass: run.findings.some(({ check }) => check === wanted),
      message: () =>
        `${run.name}: expected ${wanted} ${this.isNot ? "to hold" : "to be broken"}; ${findingsText(run) || "no contract is broken"}`,
    };
  },
});
