import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { blocksOf } from "./markdown.ts";
import { Place, root } from "./place.ts";

test("the example workflow is YAML, and calls commands with options that there are", () => {
  const [{ text }] = blocksOf(readFileSync(join(root, "docs/ci.md"), "utf8")).filter(({ file }) =>
    file?.startsWith(".github/"),
  );
  const { jobs } = parse(text) as { jobs: Record<string, { steps: { run?: string }[] }> };
  const commands = Object.values(jobs).flatMap(({ steps }) =>
    steps.flatMap(({ run }) => /npx jitproof (.*)$/.exec(run ?? "")?.[1] ?? []),
  );
  expect(commands.map((command) => command.split(" ")[0])).toEqual(["run", "merge", "report"]);
  const place = new Place("workflow", false);
  for (const command of commands) {
    const [name, ...words] = command.split(" ");
    const help = place.run(`jitproof ${name} --help`);
    for (const option of words.filter((word) => word.startsWith("--"))) expect(help, command).toContain(`  ${option} `);
  }
  Place.cleanUp();
});
