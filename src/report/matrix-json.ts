import { byScenario, collect, type Reporter } from "./report.ts";

/** `{ summary, profiles, scenarios: [{ scenario, title, cells: { PROFILE: { verdict, tailCalls, checks, mismatches } } }] }` */
export const matrixJson: Reporter = async (results, options) => {
  const { results: all, summary } = await collect(results, options);
  const profiles = [...new Set(all.map((result) => result.profile))];
  const scenarios = byScenario(all).map((row) => ({
    scenario: row[0].scenario,
    title: row[0].title,
    cells: Object.fromEntries(
      row.map(({ profile, verdict, tailCalls, findings, mismatches }) => [
        profile,
        {
          verdict,
          tailCalls: String(tailCalls),
          checks: [...new Set(findings.map((finding) => finding.check))],
          mismatches: mismatches.map((mismatch) => mismatch.path),
        },
      ]),
    ),
  }));
  options.write(`${JSON.stringify({ summary, profiles, scenarios }, null, 2)}\n`);
  return summary;
};
