import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Block, blocksOf, type Command, commandsOf, isAsShown, masked } from "./markdown.ts";
import { Place, root } from "./place.ts";

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"));
const read = (name: string): string => readFileSync(join(root, name), "utf8");
/** JITPROOF_DOCS=write puts what commands print into the documents. */
const rewrite = process.env.JITPROOF_DOCS === "write";

afterAll(() => Place.cleanUp());

/** What a block's commands print; the block's files are written when their turn comes. */
function follow(name: string, blocks: readonly Block[]): { shown: Command; actual: string }[] {
  const place = new Place(
    name,
    blocks.some(({ file }) => file?.startsWith("jit/")),
  );
  return blocks.flatMap((block) => {
    if (block.file) place.write(block);
    if (block.language !== "console") return [];
    return commandsOf(block).map((shown) => ({ shown, actual: place.run(shown.command) }));
  });
}

describe("what a document shows a command to print, it prints", () => {
  const withCommands = documents.filter((name) => blocksOf(read(name)).some(({ language }) => language === "console"));

  test.each(withCommands)("%s", (name) => {
    const text = read(name);
    const followed = follow(name, blocksOf(text));
    if (rewrite) return writeFileSync(join(root, name), rewritten(text, followed));
    for (const { shown, actual } of followed)
      if (!isAsShown(shown.output, actual))
        expect(`$ ${shown.command}\n${masked(actual)}`, `${name}:${shown.line}`).toBe(
          `$ ${shown.command}\n${masked(shown.output)}`,
        );
  });

  test("there are such documents", () => {
    expect(withCommands).toEqual(expect.arrayContaining(["README.md", "docs/designs.md"]));
  });
});

/** The text with what commands print, where it is not abbreviated. */
function rewritten(text: string, followed: { shown: Command; actual: string }[]): string {
  const lines = text.split("\n");
  for (const { shown, actual } of [...followed].reverse()) {
    if (isAsShown(shown.output, actual) || /^\.\.\.$/m.test(shown.output)) continue;
    const count = shown.output ? shown.output.split("\n").length : 0;
    lines.splice(
      shown.line,
      count,
      ...actual
        .trimEnd()
        .replace(/[ \t]+$/gm, "")
        .split("\n"),
    );
  }
  return lines.join("\n");
}

describe("commands that are listed", () => {
  const listed = documents.flatMap((name) =>
    [...read(name).matchAll(/^ {4}(jitproof|npm run|npm) (\w\S*)/gm)].map(([line, program, command]) => ({
      name,
      line,
      program,
      command,
    })),
  );

  test("exist", () => {
    const help = new Place("help", false).run("jitproof --help");
    const { scripts } = JSON.parse(read("package.json"));
    for (const { name, line, program, command } of listed) {
      const exists = program === "jitproof" ? help.includes(`\n  ${command} `) : command in scripts;
      expect(exists, `${name}:${line}`).toBe(true);
    }
    expect(listed.length).toBeGreaterThan(5);
  });
});
