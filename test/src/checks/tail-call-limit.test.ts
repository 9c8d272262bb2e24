import { describe, expect, test } from "vitest";
import type { Image } from "../../../bpf/image.ts";
import { Bench, only, type Planted, replaced } from "./rig.ts";

const SELF = `
  r2 = jmp ll
  r3 = 0
  call bpf_tail_call
  r0 = 7
  exit`;

/** A program that tail-calls itself. */
function itself(options: Planted = {}, text = SELF) {
  const bench = new Bench({ tailCallLimit: 33, ...options });
  const [main] = bench.load(text);
  return bench.slot(0, "main").enter(main);
}

describe.each(["linux-6.1", "linux-6.12", "linux-6.18", "linux-7.2"] as const)("%s", (profile) => {
  test("33 tail calls are taken, the 34th is not", () => {
    expect(itself({ profile })).toMatchObject({ r0: 7n, tailCalls: 33n, findings: [] });
  });

  test("33 per entry from the kernel: the next one starts over", () => {
    const bench = new Bench({ profile, tailCallLimit: 33 });
    const [main] = bench.load(SELF);
    bench.slot(0, "main");
    for (let i = 0; i < 3; i++) expect(bench.enter(main)).toMatchObject({ tailCalls: 33n, findings: [] });
  });

  test("a count that is never looked at: the first one too many is told, and ends the run", () => {
    // jae out (6.12: 73 xx behind cmp [rax], 33; 6.1: 77 xx behind cmp eax, 33) never jumps
    const patch = (image: Image): Image => {
      const compare = profile === "linux-6.1" ? "83f821" : "48833821";
      const at = Buffer.from(image.bytes).indexOf(Buffer.from(compare, "hex")) + compare.length / 2;
      const jump = Buffer.from(image.bytes.subarray(at, at + 2)).toString("hex");
      return replaced(image, `${compare}${jump}`, `${compare}9090`);
    };
    const outcome = itself({ profile, patch });
    expect(outcome).toMatchObject({ r0: undefined, tailCalls: 34n });
    expect(only(outcome)).toMatchObject({
      check: "tail-call-limit",
      message: "tail call 34 of one entry is taken: nothing returned since the 33rd",
      function: "main",
      bpf: "tail_call poke[0]",
      line: 4,
      expected: "at most 33 tail calls",
      actual: "34, into main",
    });
  });
});

test("a count that never grows", () => {
  // add qword [rax], 1 -> add qword [rax], 0
  const outcome = itself({ patch: (image) => replaced(image, "48830001", "48830000") });
  expect(only(outcome)).toMatchObject({ check: "tail-call-limit", actual: "34, into main" });
});

test("a limit of 34: cmp with one more", () => {
  const outcome = itself({ patch: (image) => replaced(image, "48833821", "48833822") });
  expect(only(outcome)).toMatchObject({ check: "tail-call-limit", asm: expect.any(String) });
});

test("a limit of 32 breaks no contract: the scenario's expectation says how many", () => {
  expect(itself({ patch: (image) => replaced(image, "48833821", "48833820") })).toMatchObject({
    tailCalls: 32n,
    findings: [],
  });
});

test("a count that a call does not hand back: the finding says where the run returned to", () => {
  const outcome = itself(
    { profile: "linux-6.1" },
    `
  main:
    r6 = r1
    call sub
    r1 = r6
    call sub
    r0 = 1
    exit
  sub:
    r2 = jmp ll
    r3 = 0
    call bpf_tail_call
    r0 = 0
    exit`,
  );
  expect(only(outcome)).toMatchObject({
    check: "tail-call-limit",
    message: expect.stringMatching(
      /^tail call 34 of one entry is taken: since the 33rd, a call returned to main\+0x[0-9a-f]+, whose count did not hear of it$/,
    ),
    function: "main#sub",
    line: 12,
    actual: "34, into main",
  });
});

test("without a limit the run goes on, and the finding comes once", () => {
  const outcome = itself({
    patch: (image) => replaced(image, "48830001", "48830000"),
    tailCallLimit: undefined,
    budget: 5000,
  });
  expect(outcome.findings.map(({ check }) => check)).toEqual(["tail-call-limit", "budget"]);
  expect(outcome.tailCalls).toBeGreaterThan(100n);
});
