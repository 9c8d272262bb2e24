import { describe, expect, test } from "vitest";
import { mismatches, run } from "./rig.ts";

/** A program that returns 5, calls helpers, and leaves something in every kind of map. */
const scenario = (expectation: string) => `title: t
maps:
  a: { type: array, value_size: 8, max_entries: 2, values: { 1: 0x1122334455667788 } }
  h: { type: hash, key_size: 2, value_size: 4, max_entries: 4, values: { 0x201: 7 } }
  p: { type: percpu_array, value_size: 8, max_entries: 1 }
  q: { type: percpu_hash, value_size: 4, max_entries: 2, values: { 3: 4 } }
  jmp: { type: prog_array, max_entries: 2, values: { 0: other } }
programs:
  main: |
    main:
      r1 = 513
      *(u16 *)(r10 - 2) = r1
      r1 = 0xabcd
      *(u32 *)(r10 - 8) = r1
      r1 = h ll
      r2 = r10
      r2 += -2
      r3 = r10
      r3 += -8
      r4 = 0
      call bpf_map_update_elem
      call sub
      r0 = 5
      exit
    sub:
      call bpf_get_prandom_u32
      call bpf_get_prandom_u32
      r1 = 1
      *(u64 *)(r10 - 64) = r1
      r0 = 0
      exit
  other: |
    other:
      r0 = 0
      exit
run: main
expect: ${expectation}
`;

test("what is not mentioned is not compared", () => {
  expect(run(scenario("{}")).verdict).toBe("pass");
});

describe("each kind, when it holds and when it doesn't", () => {
  test.each<[what: string, right: string, wrong: string, mismatch: string]>([
    ["r0", "{ r0: 5 }", "{ r0: 6 }", "expect.r0 at 6: 6 is 5"],
    ["r0, as hex", "{ r0: 0x5 }", "{ r0: -1 }", "expect.r0 at -1: 18446744073709551615 is 5"],
    ["tail calls", "{ tail_calls: 0 }", "{ tail_calls: 1 }", "expect.tail_calls at 1: 1 is 0"],
    [
      "a value as an integer",
      "{ maps: { h: { 0x201: 0xabcd } } }",
      "{ maps: { h: { 513: 1 } } }",
      "expect.maps.h.513 at 1: 1 is 43981",
    ],
    [
      "as hex bytes",
      '{ maps: { a: { 1: "88 77 66 55 44 33 22 11" } } }',
      '{ maps: { a: { 1: "88 77 66 55 44 33 22 12" } } }',
      'expect.maps.a.1 at "88 77 66 55 44 33 22 12": 88 77 66 55 44 33 22 12 is 88 77 66 55 44 33 22 11',
    ],
    [
      "as words",
      "{ maps: { a: { 1: [0x7788, 0x5566, 0x3344, 0x1122] } } }",
      "{ maps: { a: { 1: [0x55667788, 0] } } }",
      "expect.maps.a.1 at [0x55667788, 0]: [1432778632, 0] is [1432778632, 287454020]",
    ],
    [
      "a hash's key as hex",
      '{ maps: { h: { "01 02": 0xabcd } } }',
      '{ maps: { h: { "01 02": 2 } } }',
      "expect.maps.h.01 02 at 2: 2 is 43981",
    ],
    [
      "an element that isn't",
      "{ maps: { h: { 1: null } } }",
      "{ maps: { h: { 513: null } } }",
      "expect.maps.h.513 at null: null is 43981",
    ],
    [
      "an element that should be",
      "{ maps: { q: { 3: 4 } } }",
      "{ maps: { q: { 4: 4 } } }",
      "expect.maps.q.4 at 4: 4 is null",
    ],
    [
      "a per-CPU value",
      "{ maps: { q: { 3: [4] } } }",
      "{ maps: { p: { 0: [1] } } }",
      "expect.maps.p.0 at [1]: [1] is [0]",
    ],
    [
      "a per-CPU value of more CPUs than there are",
      "{ maps: { p: { 0: [0] } } }",
      "{ maps: { p: { 0: [0, 0] } } }",
      "expect.maps.p.0 at [0, 0]: [0, 0] is [0]",
    ],
    [
      "a prog array's slot",
      "{ maps: { jmp: { 0: other } } }",
      "{ maps: { jmp: { 0: main } } }",
      "expect.maps.jmp.0 at main: main is other",
    ],
    [
      "an empty slot",
      "{ maps: { jmp: { 1: null } } }",
      "{ maps: { jmp: { 1: other } } }",
      "expect.maps.jmp.1 at other: other is null",
    ],
    [
      "a helper's calls",
      "{ helpers: { bpf_get_prandom_u32: 2 } }",
      "{ helpers: { bpf_get_prandom_u32: 3 } }",
      "expect.helpers.bpf_get_prandom_u32 at 3: 3 is 2",
    ],
    [
      "a helper that is never called",
      "{ helpers: { bpf_loop: 0 } }",
      "{ helpers: { bpf_loop: 1 } }",
      "expect.helpers.bpf_loop at 1: 1 is 0",
    ],
    [
      "a helper that the verifier replaces by the map's own function",
      "{ helpers: { bpf_map_update_elem: 1 } }",
      "{ helpers: { htab_map_update_elem: 2 } }",
      "expect.helpers.htab_map_update_elem at 2: 2 is 1",
    ],
  ])("%s", (_, right, wrong, mismatch) => {
    expect(mismatches(scenario(right))).toEqual([]);
    expect(mismatches(scenario(wrong))).toEqual([mismatch]);
  });

  test("instructions, those of the JIT, not of the BPF program", () => {
    const { instructions } = run(scenario("{}"));
    expect(instructions).toBeGreaterThan(30);
    expect(mismatches(scenario(`{ instructions: ${instructions} }`))).toEqual([]);
    expect(mismatches(scenario("{ instructions: 1 }"))).toEqual([`expect.instructions at 1: 1 is ${instructions}`]);
  });

  test("the deepest stack: both frames, and the return address of the helper that sub calls", () => {
    const main = 8 + 8 + 8; // return address, rbp, BPF stack
    const sub = 8 + 8 + 64;
    expect(mismatches(scenario(`{ max_stack: ${main + sub + 8} }`))).toEqual([]);
    expect(mismatches(scenario("{ max_stack: 8 }"))).toEqual([`expect.max_stack at 8: 8 is ${main + sub + 8}`]);
  });

  test("several at once are all told, in the order of the kinds", () => {
    expect(mismatches(scenario("{ maps: { a: { 0: 1, 1: 1 } }, tail_calls: 3, r0: 1 }"))).toEqual([
      "expect.r0 at 1: 1 is 5",
      "expect.tail_calls at 3: 3 is 0",
      "expect.maps.a.0 at 1: 1 is 0",
      "expect.maps.a.1 at 1: 1 is 1234605616436508552",
    ]);
  });
});

test("a run that does not return has no r0", () => {
  const text = `title: t
programs:
  main: |
    main:
      r0 = 0
      exit
budget: 3
expect: { r0: 0 }
`;
  const result = run(text);
  expect(result).toMatchObject({ verdict: "fail", findings: [{ check: "budget" }] });
  expect(result.r0).toBeUndefined();
  expect(mismatches(text)).toEqual(["expect.r0 at 0: 0 is (did not return)"]);
});

test.each(["linux-6.1", "linux-6.12", "linux-6.18", "linux-7.2"])(
  "on %s a helper counts under its name, however the kernel calls it",
  (profile) => {
    const text = `title: t
maps:
  h: { type: hash, value_size: 8, max_entries: 4 }
  a: { type: array, value_size: 8, max_entries: 4 }
programs:
  main: |
    main:
      r1 = 1
      *(u32 *)(r10 - 4) = r1
      r1 = h ll
      r2 = r10
      r2 += -4
      call bpf_map_lookup_elem
      r1 = h ll
      r2 = r10
      r2 += -4
      call bpf_map_delete_elem
      r1 = a ll
      r2 = cb ll
      r3 = 0
      r4 = 0
      call bpf_for_each_map_elem
      r0 = 0
      exit
    cb:
      r0 = 0
      exit
expect: { helpers: { bpf_map_lookup_elem: 1, bpf_map_delete_elem: 1, bpf_for_each_map_elem: 1 } }
`;
    expect(mismatches(text, profile)).toEqual([]);
  },
);
