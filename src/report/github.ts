import { appendFileSync } from "node:fs";
import { UserError } from "../error.ts";
import type { RunResult } from "../runner/result.ts";
import { problemLines, problems } from "./problem.ts";
import { type Reporter, summaryLine, Tally } from "./report.ts";

/** Bytes; GitHub refuses a step's summary above 1 MiB. */
const MOST_SUMMARY = 1000 * 1024;

/** For GitHub's workflows: an annotation per problem, and the job's summary in Markdown. */
export const github: Reporter = async (results, options) => {
  const tally = new Tally(options);
  const failed: RunResult[] = [];
  for await (const result of results) {
    tally.add(result);
    if (result.verdict !== "fail") continue;
    failed.push(result);
    for (const annotation of annotations(result)) options.write(`${annotation}\n`);
  }
  const summary = tally.summary();
  const line = summaryLine(summary, tally.broken);
  options.write(`${line}\n`);
  if (options.stepSummary) append(options.stepSummary, markdown(line, failed));
  return summary;
};

function annotations(result: RunResult): string[] {
  const name = `${result.scenario} on ${result.profile}`;
  return problems(result).map((problem) => {
    const place = [`file=${property(problem.file)}`];
    if (problem.line) place.push(`line=${problem.line}`);
    if (problem.column) place.push(`col=${problem.column}`);
    place.push(`title=${property(name)}`);
    return `::error ${place.join(",")}::${data(problemLines(problem).join("\n"))}`;
  });
}

function markdown(line: string, failed: RunResult[]): string {
  const heading = `### jitproof: ${line}\n\n`;
  if (failed.length === 0) return heading;
  const rows = failed.map((result) => {
    const names = problems(result).map((problem) => problem.name);
    return `| ${cell(result.scenario)} | ${cell(result.profile)} | ${cell(names.join(", "))} |\n`;
  });
  const details = failed.map((result) => {
    const body = problems(result)
      .flatMap((problem) => problemLines(problem))
      .join("\n");
    const name = html(`${result.scenario} on ${result.profile}`);
    return `<details><summary>${name}</summary>\n\n<pre>${html(body)}</pre>\n</details>\n`;
  });
  return bounded([`${heading}| scenario | profile | broken |\n| --- | --- | --- |\n`, ...rows, "\n", ...details]);
}

function bounded(parts: string[]): string {
  let text = "";
  for (const part of parts) {
    if (Buffer.byteLength(text) + Buffer.byteLength(part) > MOST_SUMMARY) return `${text}\n... and more\n`;
    text += part;
  }
  return text;
}

function append(file: string, text: string): void {
  try {
    appendFileSync(file, text);
  } catch (error) {
    throw new UserError(`cannot write the job summary: ${(error as Error).message}`, {}, { cause: error });
  }
}

// actions/toolkit, packages/core/src/command.ts: escapeData and escapeProperty
const data = (text: string) => text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
const property = (text: string) => data(text).replace(/:/g, "%3A").replace(/,/g, "%2C");
const html = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const cell = (text: string) => html(text).replace(/\|/g, "\\|").replace(/\n/g, " ");
