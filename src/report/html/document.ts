import { deflateRawSync } from "node:zlib";
import type { RunResult } from "../../runner/result.ts";
import { byScenario } from "../report.ts";
import type { Assets } from "./assets.ts";
import { escapeHtml } from "./escape.ts";
import { matrixTable } from "./matrix.ts";
import type { ScenarioData } from "./page/data.ts";

/** A scenario for the page, packed: base64 of its deflated JSON. */
export const pack = (data: ScenarioData): string =>
  deflateRawSync(JSON.stringify(data), { level: 9 }).toString("base64");

/** Nothing is fetched: all that the page needs is in it. */
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

/** The report as one page. `packed`: each scenario's data by its id. */
export function htmlPage(
  results: readonly RunResult[],
  packed: ReadonlyMap<string, string>,
  { script, style }: Assets,
): string {
  const data = [...packed].map(
    ([id, text]) => `<script type="application/octet-stream" data-scenario="${escapeHtml(id)}">${text}</script>\n`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark">
<title>jitproof report</title>
<style>
${style.replace(/<\/style/gi, "<\\/style")}</style>
</head>
<body>
<header>
<h1><a href="#">jitproof</a></h1>
<p id="summary">${summary(results)}</p>
<button id="theme" type="button" title="light, dark, or as the system has it">theme: system</button>
</header>
<noscript><p class="note">The table can be read without a script; what is behind its links needs one.</p></noscript>
<main id="overview">
<p class="tools"><label>filter <input id="filter" type="search" autocomplete="off" spellcheck="false"></label>
<span class="legend"><span class="pass">✓ 33</span> holds, tail calls taken <span class="breaks">✗ limit</span> breaks this contract, as declared <span class="fail">!! limit</span> not as declared <span class="skip">–</span> does not apply</span></p>
<div class="wide">${matrixTable(byScenario(results))}</div>
</main>
<main id="scenario" hidden></main>
${data.join("")}<script>
${script.replace(/<\/script/gi, "<\\/script").replace(/<!--/g, "<\\!--")}</script>
</body>
</html>
`;
}

function summary(results: readonly RunResult[]): string {
  const count = (...verdicts: string[]) => results.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const [passed, declared, failed, skipped] = [count("pass", "breaks"), count("breaks"), count("fail"), count("skip")];
  const breaks = declared ? ` (${declared} break${declared === 1 ? "s" : ""} as declared)` : "";
  const failures = failed ? `<strong class="fail">${failed} failed</strong>` : "0 failed";
  return `${passed} passed${breaks}, ${failures}${skipped ? `, ${skipped} skipped` : ""}`;
}
