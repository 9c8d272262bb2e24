import type { RunResult } from "../runner/result.ts";
import { problemLines, problems } from "./problem.ts";
import { byScenario, collect, type Reporter } from "./report.ts";

/** JUnit XML: a suite per scenario, a case per profile, with the file and line of the first expectation that fails. */
export const junit: Reporter = async (results, options) => {
  const { results: all, summary } = await collect(results, options);
  const suites = byScenario(all);
  const { passed, failed, skipped, ms } = summary;
  const counts = `tests="${passed + failed + skipped}" failures="${failed}" skipped="${skipped}" time="${seconds(ms)}"`;
  options.write(
    `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="jitproof" ${counts}>\n${suites.map(suite).join("")}</testsuites>\n`,
  );
  return summary;
};

function suite(results: RunResult[]): string {
  const [{ scenario, file }] = results;
  const count = (verdict: string) => results.filter((result) => result.verdict === verdict).length;
  const time = seconds(results.reduce((sum, result) => sum + result.ms, 0));
  const counts = `tests="${results.length}" failures="${count("fail")}" skipped="${count("skip")}" time="${time}"`;
  return `  <testsuite name="${xml(scenario)}" file="${xml(file)}" ${counts}>\n${results.map(testcase).join("")}  </testsuite>\n`;
}

function testcase(result: RunResult): string {
  const wrong = result.verdict === "fail" ? problems(result) : [];
  const line = wrong.find((problem) => problem.line)?.line ?? 1;
  const head = `    <testcase classname="${xml(result.scenario)}" name="${xml(result.profile)}" file="${xml(result.file)}" line="${line}" time="${seconds(result.ms)}"`;
  if (result.verdict === "skip") return `${head}><skipped message="${xml(result.reason ?? "")}"/></testcase>\n`;
  if (result.verdict !== "fail") return `${head}/>\n`;
  const message = `${wrong[0].name}: ${wrong[0].message}`;
  const body = wrong.flatMap((problem) => problemLines(problem)).join("\n");
  return `${head}>\n      <failure message="${xml(message)}">${xml(body)}</failure>\n    </testcase>\n`;
}

const seconds = (ms: number) => (ms / 1000).toFixed(3);

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text and attributes; characters that XML 1.0 cannot hold become U+FFFD. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"]/g, (char) => ENTITIES[char]);
}
