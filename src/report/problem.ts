import type { Finding } from "../checks/finding.ts";
import type { Mismatch, RunResult } from "../runner/result.ts";
import { diffLines } from "./diff.ts";

/** What is wrong with a result, as every report tells it. */
export interface Problem {
  /** the check's name, the expectation's path, or "error" */
  name: string;
  message: string;
  /** label and text; a text may have several lines */
  details: [label: string, text: string][];
  file: string;
  /** 1-based; undefined where no line is to blame */
  line?: number;
  column?: number;
}

/** Why a result failed, findings first; never empty. */
export function problems(result: RunResult): Problem[] {
  const { file, findings, mismatches } = result;
  const all = [
    ...findings.map((finding) => fromFinding(finding, file)),
    ...mismatches.map((mismatch) => fromMismatch(mismatch, file)),
  ];
  if (all.length) return all;
  return [{ name: "error", message: printable(result.reason ?? "failed without a reason"), details: [], file }];
}

export function fromFinding(finding: Finding, file: string): Problem {
  const { check, message, offset, asm, insn, bpf, line, source, expected, actual } = finding;
  const details: Problem["details"] = [["at", `${finding.function}+0x${offset.toString(16)}${asm ? `  ${asm}` : ""}`]];
  const from = [insn === undefined ? "" : `insn ${insn}`, bpf ?? "", line ? `${file}:${line}` : ""].filter(Boolean);
  if (from.length) details.push(["from", from.join("  ")]);
  if (source) details.push(["source", printable(sourceText(source))]);
  details.push(["expected", printable(expected)], ["actual", printable(actual)]);
  const place = source ? { file: source.file, line: source.line } : { file, ...(line ? { line } : {}) };
  return { name: check, message: printable(message), details, ...place };
}

/** "prog.c:12  count += 1;" */
const sourceText = ({ file, line, text }: NonNullable<Finding["source"]>): string =>
  [`${file}:${line}`, text?.trim()].filter(Boolean).join("  ");

function fromMismatch({ path, expected, actual, line, column }: Mismatch, file: string): Problem {
  const place = line ? { line, ...(column ? { column } : {}) } : {};
  const details: Problem["details"] = [["at", [file, line, column].filter(Boolean).join(":")]];
  const long = /\n/.test(expected.trimEnd()) || /\n/.test(actual.trimEnd());
  if (long) details.push(["- expected, + actual", printable(diffLines(expected, actual).join("\n"))]);
  const message = long ? "differs" : printable(`expected ${expected.trimEnd()}, found ${actual.trimEnd()}`);
  return { name: path, message, details, file, ...place };
}

/** The problem in plain lines, texts of several lines indented under their label. */
export function problemLines({ name, message, details }: Problem, bold = (text: string) => text): string[] {
  return [`${bold(name)}  ${message}`, ...details.flatMap(([label, text]) => labelled(label, text))];
}

function labelled(label: string, text: string): string[] {
  const lines = text.split("\n");
  if (lines.length === 1) return [`  ${label.padEnd(8)}  ${lines[0]}`];
  return [`  ${label}`, ...lines.map((line) => `    ${line}`.trimEnd())];
}

/** Nothing in a report may steer the terminal. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
