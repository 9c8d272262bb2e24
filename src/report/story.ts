import type { RunResult } from "../runner/result.ts";
import { fromFinding, problemLines } from "./problem.ts";
import type { ReportOptions } from "./report.ts";

const INDENT = "    ";

/** Of a bug of the gallery that was found: its profile, what happened, and what noticed it. */
export function storyLines(result: RunResult, { colors, width }: ReportOptions): string[] {
  const { story, profile, findings, file } = result;
  if (!story || result.verdict !== "breaks") return [];
  const noticed = findings.length
    ? problemLines(fromFinding(findings[0], file), colors.bold)
    : story.differences.map((text) => `${colors.bold("result")}  ${text}`);
  return [
    `${INDENT}${colors.bold(profile)}`,
    ...[...wrapped(story.about, width - 2 * INDENT.length), ...noticed].map((line) => `${INDENT}${INDENT}${line}`),
  ];
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
