import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { runOn } from "../../../src/runner/run.ts";
import { breakOf } from "../../../src/scenario/expect.ts";
import { parseScenario } from "../../../src/scenario/load.ts";
import { compileObjects } from "../../../tools/objects.mjs";

// The kernel's tail-call selftests, written by us in C: each .yaml says how often a tail call is taken, on kernels that keep the promise
// and on those that don't. Objects as clang 14 and 19 wrote them are in the repository; whatever clang there is compiles them anew.

const folder = fileURLToPath(new URL("../../fixtures/objects", import.meta.url));
const profiles = ["linux-6.1", "linux-6.12", "linux-7.2"];
const scenarios = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const scratch = mkdtempSync(join(tmpdir(), "jitproof-objects-"));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The scenario on objects from another place. */
function scenarioOn(name: string, objects: string) {
  const text = readFileSync(join(folder, name), "utf8").replace("object: clang-14", `object: ${objects}`);
  return parseScenario(text, join(folder, name));
}

function verdicts(name: string, objects: string): Record<string, unknown> {
  const results = [...runOn(scenarioOn(name, objects), { profiles })];
  return Object.fromEntries(results.map(({ profile, verdict, mismatches }) => [profile, mismatches[0] ?? verdict]));
}

/** What must come out: what the scenario declares, and nothing else. */
function declared(name: string): Record<string, unknown> {
  const scenario = scenarioOn(name, "clang-14");
  return Object.fromEntries(profiles.map((profile) => [profile, breakOf(scenario, profile) ? "breaks" : "pass"]));
}

describe.each(["clang-14", "clang-19"])("as %s compiled it", (clang) => {
  test.each(scenarios)("%s", (name) => expect(verdicts(name, clang)).toEqual(declared(name)));
});

const compilers = [14, 19, 18, 17, 16, 15, 13].map((version) => `clang-${version}`).concat("clang");
const found = compilers.filter((name) => spawnSync(name, ["--version"]).status === 0).slice(0, 2);

test.runIf(found.length).each(found)("compiled now, by %s", (clang) => {
  const out = join(scratch, clang);
  const names = ["hierarchy_1", "bpf2bpf_3", "tailcall_5"];
  compileObjects(
    clang,
    out,
    names.map((name) => `${name}.c`),
  );
  for (const name of names) expect(verdicts(`${name}.yaml`, out), name).toEqual(declared(`${name}.yaml`));
});
