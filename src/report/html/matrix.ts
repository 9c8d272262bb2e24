import type { RunResult } from "../../runner/result.ts";
import { broken } from "../matrix.ts";
import { escapeHtml } from "./escape.ts";

/** A profile that few scenarios are about has no column of its own. */
const WORTH_A_COLUMN = 1 / 4;

/**
 * Scenarios down, profiles across, each cell a link to the page's view of it; results on other profiles in a last column. Readable
 * without a script.
 */
export function matrixTable(scenarios: readonly RunResult[][]): string {
  const counts = new Map<string, number>();
  for (const { profile } of scenarios.flat()) counts.set(profile, (counts.get(profile) ?? 0) + 1);
  const profiles = [...counts].filter(([, count]) => count >= WORTH_A_COLUMN * scenarios.length).map(([name]) => name);
  const others = counts.size > profiles.length;
  const heads = others ? [...profiles, "others"] : profiles;
  const head = heads.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("");
  const rows = scenarios.map((results) => row(results, profiles, others)).join("");
  return `<table id="matrix"><thead><tr><th scope="col">scenario</th>${head}</tr></thead><tbody>${rows}</tbody><tfoot>${score(scenarios.flat(), profiles)}</tfoot></table>`;
}

/** Which view a link opens. */
export const linkTo = (scenario: string, profile: string): string => `#${encodeURI(`${scenario}@${profile}`)}`;

function row(results: RunResult[], profiles: string[], others: boolean): string {
  const [{ scenario, title }] = results;
  const cells = profiles.map((profile) =>
    cell(
      scenario,
      results.find((result) => result.profile === profile),
    ),
  );
  if (others)
    cells.push(
      `<td class="others">${results
        .filter(({ profile }) => !profiles.includes(profile))
        .map(other)
        .join(" ")}</td>`,
    );
  const first = results.find(({ verdict }) => verdict !== "skip") ?? results[0];
  const link = `<a href="${escapeHtml(linkTo(scenario, first.profile))}">${escapeHtml(scenario)}</a>`;
  return `<tr data-name="${escapeHtml(`${scenario} ${title}`.toLowerCase())}"><th scope="row">${link}<small>${escapeHtml(title)}</small></th>${cells.join("")}</tr>\n`;
}

function cell(scenario: string, result: RunResult | undefined): string {
  if (!result) return '<td class="none"></td>';
  const [text, meaning] = words(result);
  const { verdict, profile } = result;
  return `<td class="${verdict}"><a href="${escapeHtml(linkTo(scenario, profile))}" title="${escapeHtml(meaning)}">${escapeHtml(text)}</a></td>`;
}

function other(result: RunResult): string {
  const { scenario, profile, verdict } = result;
  const [text, meaning] = words(result);
  return `<a class="${verdict}" href="${escapeHtml(linkTo(scenario, profile))}" title="${escapeHtml(meaning)}">${escapeHtml(`${profile} ${text}`)}</a>`;
}

/** As `jitproof matrix` has it, and in a sentence. */
function words(result: RunResult): [text: string, meaning: string] {
  const { verdict, tailCalls, reason } = result;
  if (verdict === "skip") return ["–", reason ?? "does not apply"];
  if (verdict === "pass") return [`✓ ${tailCalls}`, `holds; ${tailCalls} tail calls`];
  if (verdict === "breaks") return [`✗ ${broken(result)}`, "breaks, as declared"];
  return [`!! ${broken(result)}`, "not as declared"];
}

function score(results: readonly RunResult[], profiles: string[]): string {
  const cells = profiles.map((profile) => {
    const ran = results.filter((result) => result.profile === profile && result.verdict !== "skip");
    return `<td>${ran.filter(({ verdict }) => verdict === "pass").length}/${ran.length}</td>`;
  });
  return `<tr><th scope="row">gets right</th>${cells.join("")}</tr>`;
}
