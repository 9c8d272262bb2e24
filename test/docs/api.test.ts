import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CHECKS } from "../../src/checks/index.ts";
import * as library from "../../src/index.ts";
import { REPORTERS } from "../../src/report/index.ts";
import { root } from "./place.ts";

const read = (name: string): string => readFileSync(join(root, name), "utf8");

/** The file that declares what src/index.ts exports under a name, and the declaration's line in it. */
function declarations(file: string): { name: string; documented: boolean }[] {
  const text = read(file);
  const reexports = [...text.matchAll(/^export (type )?(?:\{([^}]*)\}|\*) from "(\.[^"]+)";/gm)];
  const inner = reexports.flatMap(([, , names, from]) => {
    const all = declarations(join(file, "..", from));
    if (names === undefined) return all;
    const wanted = names.split(",").map((name) => name.trim().replace(/^type /, ""));
    return all.filter(({ name }) => wanted.includes(name));
  });
  const own = [...text.matchAll(/(\*\/\n)?^export (?:async )?(function\*?|class|const) (\w+)/gm)].map(
    ([, comment, kind, name]) => ({
      name,
      documented: comment !== undefined || (kind === "const" && /^[A-Z_]+$/.test(name)),
    }),
  );
  return [...own, ...inner];
}

describe("the library", () => {
  const declared = declarations("src/index.ts");

  test("every function and class that it exports has a docstring where it is declared", () => {
    const names = Object.entries(library)
      .filter(([, value]) => typeof value === "function")
      .map(([name]) => name);
    const documented = declared.filter(({ documented }) => documented).map(({ name }) => name);
    expect(names.filter((name) => !documented.includes(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(15);
  });

  test("every function that it exports is in the guide", () => {
    const guide = read("docs/library.md");
    const names = Object.entries(library)
      .filter(([, value]) => typeof value === "function")
      .map(([name]) => name);
    expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });

  test("every matcher is in the guide, and has a docstring", () => {
    const matchers = [...read("src/vitest.ts").matchAll(/(\*\/\n)? {2}(to\w+)\([^)]*\): R;/g)];
    const guide = read("docs/library.md");
    expect(matchers.length).toBeGreaterThan(3);
    expect(matchers.filter(([, comment, name]) => !comment || !guide.includes(`.${name}(`))).toEqual([]);
  });
});

test("every contract is in the guide to findings", () => {
  const guide = read("docs/findings.md");
  expect(CHECKS.map(({ name }) => name).filter((name) => !guide.includes(`| \`${name}\` |`))).toEqual([]);
});

test("every reporter is in the guide to CI", () => {
  const guide = read("docs/ci.md");
  expect(REPORTERS.filter((name) => !guide.includes(`| \`${name}\` |`))).toEqual([]);
});
