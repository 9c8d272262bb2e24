import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalogue, findScenarios } from "../../../src/scenario/find.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-find-"));
const found = (...paths: string[]) => findScenarios(paths.map((path) => join(folder, path))).map(({ id }) => id);

beforeAll(() => {
  mkdirSync(join(folder, "mine/deep"), { recursive: true });
  mkdirSync(join(folder, "mine/.hidden"));
  mkdirSync(join(folder, "empty"));
  for (const name of ["mine/b.yaml", "mine/a.yaml", "mine/deep/c.yaml", "mine/.hidden/d.yaml", "mine/notes.md"])
    writeFileSync(join(folder, name), "");
  symlinkSync("..", join(folder, "mine/deep/loop"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("scenarios are found", () => {
  test("in a folder and below, by name, ids without .yaml; links to folders and hidden folders are not followed", () => {
    expect(found("mine")).toEqual(["a", "b", "deep/c"]);
  });

  test("as files, in the order given, none twice", () => {
    expect(found("mine/b.yaml", "mine/a.yaml", "mine")).toEqual(["b", "a", "deep/c"]);
  });

  test("in the catalogue when no path is given, or by their names there", () => {
    expect(findScenarios([]).map(({ id }) => id)).toContain("hierarchy/two-calls");
    const [{ id, file }] = findScenarios(["hierarchy/two-calls"]);
    expect([id, join(process.cwd(), file)]).toEqual([
      "hierarchy/two-calls",
      join(catalogue(), "hierarchy/two-calls.yaml"),
    ]);
    expect(findScenarios(["hierarchy"]).map(({ id }) => id)).toContain("hierarchy/two-calls");
    expect(findScenarios(["scenarios/hierarchy/two-calls.yaml"])[0].id).toBe("hierarchy/two-calls");
  });

  test("or it is said what is missing", () => {
    expect(() => found("nowhere")).toThrow(/^no such file or folder, and no such scenario$/);
    expect(() => findScenarios(["hierarchy/two-cals"])).toThrow(/did you mean "hierarchy\/two-calls"\?$/);
    expect(() => found("empty")).toThrow("no .yaml file in this folder; expected scenarios");
  });
});
