import { describe, expect, test } from "vitest";
import { errorOf, run } from "./rig.ts";

/** A scenario whose only program is this text, indented by six blanks, from line 7 on. */
const program = (text: string, maps = "maps: {}") => `title: t
# one
# two
${maps}
programs:
  main: |
${text
  .split("\n")
  .map((line) => `      ${line}`)
  .join("\n")}
`;

describe("what the assembler doesn't take is one line at its word", () => {
  test.each<[what: string, text: string, error: string]>([
    ["a label that isn't", "r0 = 0\ngoto nowhere\nexit", '8:12: expected a label, found "nowhere"'],
    ["a helper that isn't", "call bpf_nonsense\nexit", '7:12: expected a function or a helper, found "bpf_nonsense"'],
    [
      "a helper that is nearly one",
      "call bpf_lop\nexit",
      '7:12: expected a function or a helper, found "bpf_lop"; did you mean bpf_loop?',
    ],
    ["a map that isn't", "r1 = counter ll\nexit", '7:12: expected a map or a function, found "counter"'],
    ["an operator that isn't", "r0 = 1\nr0 ** 2\nexit", "8:10: expected "],
    ["a register that isn't", "r11 = 1\nexit", "7:7: "],
  ])("%s", (_, text, error) => {
    expect(errorOf(program(text))).toContain(`x.yaml:${error}`);
  });

  test("in a program on one line", () => {
    expect(errorOf('title: t\nprograms: { main: "r0 = 1\\ngoto x\\nexit" }\n')).toBe(
      'x.yaml:2:33: expected a label, found "x"',
    );
  });
});

describe("what a kernel's verifier doesn't take is one line at the instruction", () => {
  test.each<[what: string, text: string, line: number, why: RegExp]>([
    ["a jump out of the program", "goto +5\nexit", 7, /jump out of range from insn 0 to 6$/],
    ["a program that falls off its end", "r0 = 0\nr0 += 1", 8, /last insn is not an exit or jmp$/],
    ["a function that falls off its end", "call sub\nexit\nsub:\nr0 = 0", 10, /last insn is not an exit or jmp$/],
    ["a loop that never ends", "again:\nr0 = 1\ngoto again", 8, /infinite loop detected at insn 0$/],
    ["a register that was never written", "r0 = r3\nexit", 7, /R3 !read_ok$/],
    ["a store through NULL", "r1 = 0\n*(u64 *)(r1 + 0) = r1\nr0 = 0\nexit", 8, /invalid mem access 'scalar'$/],
    ["stack below 512 bytes", "r0 = *(u64 *)(r10 - 520)\nexit", 7, /off=-520/],
    ["a call of too many functions deep", "call f\nexit\nf:\ncall f\nexit", 10, /frames is too deep/],
    ["a helper that its program type doesn't have", "r1 = 0\ncall bpf_xdp_adjust_head\nr0 = 0\nexit", 8, /./],
  ])("%s", (_, text, line, why) => {
    const error = errorOf(program(text));
    const [, place, message] = /^(x\.yaml:\d+:\d+): (.*)$/.exec(error)!;
    expect([place.split(":")[1], message]).toEqual([String(line), expect.stringMatching(why)]);
    expect(message).toMatch(/^main: the verifier of linux-6\.12 refuses: /);
    expect(message).not.toContain("\n");
  });

  test("what only newer kernels know is skipped on older ones, with the reason", () => {
    const text = program("r1 = 5\nr0 = (s8)r1\nexit");
    expect(run(text, "linux-6.12").r0).toBe(5n);
    expect(run(text, "linux-6.1")).toMatchObject({ verdict: "skip", reason: expect.stringContaining("refuses") });
  });

  test("a tail call out of a frame too deep, from the callee's function", () => {
    const text = program(
      "*(u64 *)(r10 - 256) = 0\ncall sub\nexit\nsub:\nr2 = jmp ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit",
      "maps: { jmp: { type: prog_array, max_entries: 1 } }",
    );
    expect(errorOf(text)).toMatch(/^x\.yaml:\d+:\d+: main: .*tail_calls are not allowed/);
  });
});

describe("what the machine doesn't take is one line", () => {
  test("a helper that it has no model of, at the call", () => {
    const text = program("r1 = 1\nr2 = 0\ncall bpf_redirect\nexit");
    expect(errorOf(text)).toBe("x.yaml:9: the machine has no model of bpf_redirect");
  });

  test("unless the call is never reached", () => {
    const text = program("r0 = 3\nif r1 != 0 goto out\nr1 = 1\nr2 = 0\ncall bpf_redirect\nout:\nexit");
    expect(run(text).r0).toBe(3n);
  });

  test("a map that doesn't fit, at the map", () => {
    const maps = "maps: { m: { type: percpu_array, value_size: 8, max_entries: 400000 } }";
    expect(errorOf(program("r0 = 0\nexit", maps))).toBe("x.yaml:4:12: maps.m does not fit: the per-CPU area is full");
  });

  test("more elements than a map takes, at the one too many", () => {
    const maps = "maps: { h: { type: hash, value_size: 8, max_entries: 1, values: { 1: 1, 2: 2 } } }";
    expect(errorOf(program("r0 = 0\nexit", maps))).toBe("x.yaml:4:76: maps.h.values.2: h is full");
  });

  test("more CPUs' values than it has CPUs", () => {
    const maps = "maps: { p: { type: percpu_array, value_size: 8, max_entries: 1, values: { 0: [1, 2] } } }";
    expect(errorOf(program("r0 = 0\nexit", maps))).toBe(
      "x.yaml:4:78: maps.p.values.0: expected at most 1 values, one per CPU, found 2",
    );
  });

  test("an update that doesn't fit, at the step", () => {
    const text = `${program("r0 = 0\nexit", "maps: { h: { type: hash, value_size: 8, max_entries: 1 } }")}steps:
  - { update: { h: { 1: 1, 2: 2 } } }
  - { run: main }
`;
    expect(errorOf(text)).toBe("x.yaml:10:31: steps.0.update.h.2: h is full");
  });
});

test("a profile that isn't", () => {
  expect(errorOf(program("r0 = 0\nexit"), "linux-1.0")).toBe('jitproof: unknown profile "linux-1.0"');
});
