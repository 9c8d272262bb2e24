import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { BpfObject, type ObjectProgram } from "../../../bpf/elf/object.ts";
import { linkObject } from "../../../src/scenario/link-object.ts";

const FILE = fileURLToPath(new URL("../../fixtures/objects/clang-19/sections.bpf.o", import.meta.url));

/** sections.c with on_exit's section replaced by this kind and target. */
function linked(attach: "fentry" | "fexit" | "fmod_ret" | "freplace", target: string) {
  const object = new BpfObject(readFileSync(FILE));
  const programs = object.programs.map(
    (program): ObjectProgram =>
      program.name === "on_exit" ? { ...program, kind: { ...program.kind!, attach, target } } : program,
  );
  Object.defineProperty(object, "programs", { value: programs });
  const parts = linkObject(object, { line: 1, column: 1 }, { wanted: new Set(["on_exit", "tc_one"]) });
  const spec = parts.programs.find(({ name }) => name === "on_exit");
  return spec?.attach ?? parts.problems.get("on_exit");
}

test("SEC names a function of one of the object's programs, or one of the modelled kernel's", () => {
  expect(linked("fexit", "tc_one")).toMatchObject({ type: "fexit", program: "tc_one", function: "tc_one" });
  expect(linked("fexit", "bpf_fentry_test1")).toEqual({
    type: "fexit",
    function: "bpf_fentry_test1",
    line: 1,
    column: 1,
  });
  expect(linked("fmod_ret", "bpf_modify_return_test")).toMatchObject({ function: "bpf_modify_return_test" });
});

test.each([
  ["fexit", "nowhere"],
  ["freplace", "bpf_fentry_test1"],
  ["fmod_ret", "bpf_fentry_test6"],
] as const)("%s of %s leaves the program out", (type, target) => {
  expect(linked(type, target)).toBe(`it is attached to ${target}, which is no function of this object's programs`);
});
