import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { disassemble } from "../../../bpf/disasm/disassemble.ts";
import { BpfObject } from "../../../bpf/elf/object.ts";
import { PROG_TYPE_SCHED_CLS } from "../../../bpf/program.ts";
import { kernels, verify } from "../../../bpf/verifier/index.ts";

const object = new BpfObject(readFileSync(new URL("../../fixtures/objects/clang-14/functions.bpf.o", import.meta.url)));
const program = (name: string) => object.link(object.programs.find((one) => one.name === name)!, PROG_TYPE_SCHED_CLS);

test("functions come in the order in which they are first called, each once, and those only that are called", () => {
  expect(program("entry").functions.map(({ name }) => name)).toEqual([
    "entry",
    "callback",
    "global_one",
    "middle",
    "leaf",
  ]);
  expect(program("second").functions.map(({ name }) => name)).toEqual(["second", "leaf"]);
});

test("BTF says how many arguments a function takes, and which are global", () => {
  const [entry, callback, global, middle] = program("entry").functions;
  expect([entry.nargs, callback.nargs, global.nargs, middle.nargs]).toEqual([undefined, 2, 1, 1]);
  expect([entry.global, callback.global, global.global, middle.global]).toEqual([
    undefined,
    undefined,
    ["scalar"],
    undefined,
  ]);
});

describe("int f(int x) { return x > 100 ? 2 : 1; }, called with 1", () => {
  const code = (global: boolean, kernel: string): string[] => {
    const { insns, functions } = assemble(`
      main:
        r1 = 1
        call f
        exit
      f:
        if r1 s> 100 goto big
        r0 = 1
        exit
      big:
        r0 = 2
        exit
    `);
    const [main, f] = functions;
    const named = [main, global ? { ...f, global: ["scalar" as const] } : f];
    const loaded = { name: "main", type: PROG_TYPE_SCHED_CLS, insns, relocs: [], functions: named };
    const xlated = verify(loaded, [], kernels[kernel]);
    return disassemble(xlated.insns, { ...xlated, callees: "index" }).slice(xlated.functions[1].start);
  };
  const whole = ["if r1 s> 100 goto +2", "r0 = 1", "exit", "r0 = 2", "exit"];

  test("a global function is checked by itself since 5.6: x may be anything", () => {
    expect(code(true, "linux-5.10")).toEqual(whole);
  });

  test("a static one is followed with the caller's values, and so was a global one before: the branch is dead", () => {
    expect(code(false, "linux-5.10")).toEqual(["r0 = 1", "exit"]);
    expect(code(true, "linux-5.4")).toEqual(["r0 = 1", "exit"]);
  });
});
