import { expect, test } from "vitest";
import { only, run, runCode } from "./rig.ts";

test("a loop that never ends: where it was when the budget was used up", () => {
  const outcome = runCode(
    [
      ["90", "nop"],
      ["ebfd", "jmp -3"],
    ],
    {},
    { budget: 1001 },
  );
  expect(outcome).toMatchObject({ r0: undefined, instructions: 1001 });
  expect(only(outcome)).toMatchObject({
    check: "budget",
    message: "the program is still running after 1001 instructions",
    function: "code",
    offset: 1,
    expected: "an end",
    actual: "at code+0x1",
  });
});

test("a program that needs exactly its budget ends", () => {
  const text = "r0 = 0\nr0 += 1\nexit";
  const { instructions } = run(text);
  expect(run(text, { budget: instructions }).findings).toEqual([]);
  expect(only(run(text, { budget: instructions - 1 }))).toMatchObject({
    check: "budget",
    function: "main",
    bpf: "exit",
    line: 3,
    asm: "retq",
  });
});

test("a budget of nothing", () => {
  expect(only(run("r0 = 0\nexit", { budget: 0 }))).toMatchObject({ check: "budget", offset: 0, actual: "at main" });
});

test("a bounded loop of a helper that takes longer than its budget", () => {
  const text = `
    r1 = 100000
    r2 = cb ll
    r3 = 0
    r4 = 0
    call bpf_loop
    exit
  cb:
    r0 = 0
    exit`;
  expect(only(run(text, { budget: 50_000 })).check).toBe("budget");
});
