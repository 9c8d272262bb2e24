import type { ByteDifference, ComparedSet } from "../import/capture/compare.ts";
import { isIdentical } from "../import/capture/compare.ts";
import { disassemble } from "../import/x86/disassemble.ts";
import type { Mismatch, RunResult } from "../runner/result.ts";
import type { Colors } from "./report.ts";

/** Counts of one or more captures. */
export class ComparisonTally {
  identical = 0;
  functions = 0;
  /** of these functions the ones that are trampolines */
  readonly trampolines = { identical: 0, all: 0 };
  sameXlated = 0;
  programs = 0;
  readonly #families = new Map<string, { identical: number; functions: number }>();

  add({ family, functions, xlated }: ComparedSet): void {
    const counts = this.#families.get(family) ?? { identical: 0, functions: 0 };
    const same = functions.filter(isIdentical).length;
    counts.identical += same;
    counts.functions += functions.length;
    this.#families.set(family, counts);
    const trampolines = functions.filter(({ trampoline }) => trampoline);
    this.trampolines.identical += trampolines.filter(isIdentical).length;
    this.trampolines.all += trampolines.length;
    this.identical += same;
    this.functions += functions.length;
    this.sameXlated += xlated.same;
    this.programs += xlated.same + xlated.different;
  }

  /** One line per family. */
  families(colors: Colors): string[] {
    const width = Math.max(0, ...[...this.#families.keys()].map((name) => name.length));
    return [...this.#families].map(([name, { identical, functions }]) => {
      const paint = identical === functions ? colors.green : colors.red;
      return `  ${name.padEnd(width)}  ${paint(`${identical} of ${functions}`)}`;
    });
  }
}

/** A compared set as a result, for the reporters that programs read. */
export function comparisonResult(variant: string, file: string, compared: ComparedSet, ms: number): RunResult {
  const mismatches: Mismatch[] = compared.functions.flatMap(({ name, loaded, final }) => [
    ...(loaded ? [mismatch(`${name}+0x${loaded.offset.toString(16)} as loaded`, loaded)] : []),
    ...(final && !loaded ? [mismatch(`${name}+0x${final.offset.toString(16)} with its slots filled`, final)] : []),
  ]);
  return {
    scenario: compared.set,
    title: `${compared.functions.length} functions of ${compared.family}`,
    file,
    profile: variant,
    verdict: mismatches.length || compared.error ? "fail" : "pass",
    ...(compared.error ? { reason: compared.error } : {}),
    tailCalls: 0n,
    instructions: 0,
    maxStack: 0,
    findings: [],
    mismatches,
    ms,
  };
}

function mismatch(path: string, difference: ByteDifference): Mismatch {
  const { theirs, ours } = difference;
  return { path, expected: around(theirs, difference), actual: around(ours, difference), line: 0, column: 0 };
}

/** Instructions shown before and from the first one that differs. */
const BEFORE = 2;
const AFTER = 4;

/** The kernel's or our code around the first difference, disassembled. */
function around(bytes: Uint8Array, { offset, address, missing }: ByteDifference): string {
  if (!bytes.length) return missing ? `(no code: ${missing})` : "(no code)";
  const lines = disassemble(bytes, address);
  const at = lines.findIndex((line) => line.offset + line.length > offset);
  const from = Math.max(0, (at < 0 ? lines.length : at) - BEFORE);
  return lines
    .slice(from, from + BEFORE + AFTER)
    .map((line) => {
      const hex = Buffer.from(bytes.subarray(line.offset, line.offset + line.length)).toString("hex");
      return `+0x${line.offset.toString(16).padStart(3, "0")}  ${hex.padEnd(22)}  ${line.text}`;
    })
    .join("\n");
}
