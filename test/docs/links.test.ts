import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "./place.ts";

const documents = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];

/** What a heading is called in an address, as GitHub makes it. */
const anchors = (markdown: string): string[] =>
  [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replace(/ /g, "-"),
  );

/** Targets of links, outside of code. */
const linksOf = (markdown: string): string[] =>
  [...markdown.replace(/^```[\s\S]*?^```/gm, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);

/** What is wrong with a link of a document; undefined: nothing that can be told without the network. */
function problem(document: string, target: string): string | undefined {
  if (/^https:\/\/[a-z0-9.-]+\/?/.test(target)) return undefined;
  const [path, anchor] = target.split("#");
  const file = join(root, path ? join(dirname(document), path) : document);
  if (!existsSync(file)) return `${target}: there is no such file`;
  if (anchor === undefined) return undefined;
  if (!statSync(file).isFile() || !anchors(readFileSync(file, "utf8")).includes(anchor))
    return `${target}: there is no such heading`;
  return undefined;
}

describe("links", () => {
  test.each(documents)("%s leads where it says", (document) => {
    const links = linksOf(readFileSync(join(root, document), "utf8"));
    expect(links.flatMap((target) => problem(document, target) ?? [])).toEqual([]);
  });

  test("a dead one is noticed", () => {
    expect(
      ["no.md", "../README.md#no-such", "ftp://x", "findings.md#the-contracts"].map((to) => problem("docs/ci.md", to)),
    ).toEqual([
      "no.md: there is no such file",
      "../README.md#no-such: there is no such heading",
      "ftp://x: there is no such file",
      undefined,
    ]);
  });

  test("the guide's pages are all in its list", () => {
    const listed = linksOf(readFileSync(join(root, "docs/README.md"), "utf8"));
    const pages = documents.filter((name) => /^docs\/(?!README)/.test(name)).map((name) => name.slice("docs/".length));
    expect(listed.sort()).toEqual(pages.sort());
  });
});
