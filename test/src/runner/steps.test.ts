import { describe, expect, test } from "vitest";
import { mismatches, run } from "./rig.ts";

/** main returns what slot 0 of jmp returns, or 100; count is how often it ran. */
const scenario = (steps: string) => `title: t
maps:
  jmp: { type: prog_array, max_entries: 2 }
  count: { type: array, value_size: 8, max_entries: 1, values: { 0: 10 } }
  h: { type: hash, value_size: 8, max_entries: 2, values: { 1: 1 } }
programs:
  main: |
    main:
      r2 = count[0] ll
      r3 = 1
      lock *(u64 *)(r2 + 0) += r3
      r2 = jmp ll
      r3 = 0
      call bpf_tail_call
      r0 = 100
      exit
  one: |
    one:
      r0 = 1
      exit
  two: |
    two:
      r0 = 2
      exit
steps:
${steps}
`;

test("runs, updates and deletions happen in their order, on one kernel", () => {
  const text = scenario(`  - { run: main, expect: { r0: 100, tail_calls: 0, maps: { count: { 0: 11 } } } }
  - { update: { jmp: { 0: one } } }
  - { run: main, expect: { r0: 1, tail_calls: 1, maps: { count: { 0: 12 } } } }
  - { update: { jmp: { 0: two }, count: { 0: 50 } } }
  - { run: main, expect: { r0: 2, maps: { count: { 0: 51 }, jmp: { 0: two } } } }
  - { delete: { jmp: [0] } }
  - { run: main, expect: { r0: 100, tail_calls: 0, maps: { jmp: { 0: null } } } }
  - { run: one, expect: { r0: 1 } }`);
  expect(mismatches(text)).toEqual([]);
});

test("a hash's elements come and go; deleting what isn't there is no mistake", () => {
  const text = scenario(`  - { update: { h: { 2: 5 } } }
  - { delete: { h: [1, 1] } }
  - { update: { h: { 3: 6 } } }
  - { run: one, expect: { maps: { h: { 1: null, 2: 5, 3: 6 } } } }`);
  expect(mismatches(text)).toEqual([]);
});

test("each step's expectation is that run's own", () => {
  const text = scenario(`  - { run: main, expect: { r0: 1 } }
  - { run: main }
  - { run: main, expect: { r0: 100, tail_calls: 7 } }`);
  expect(mismatches(text)).toEqual(["steps.0.expect.r0 at 1: 1 is 100", "steps.2.expect.tail_calls at 7: 7 is 0"]);
});

test("what is reported of the whole is the last run's", () => {
  const result = run(
    scenario(`  - { update: { jmp: { 0: two } } }
  - { run: main }
  - { run: one }`),
  );
  expect(result).toMatchObject({ verdict: "pass", r0: 1n, tailCalls: 0n });
});

test("findings of an earlier run count", () => {
  const text = `title: t
programs:
  main: |
    main:
      r0 = 0
      exit
budget: 4
steps:
  - { run: main }
  - { run: main }
`;
  expect(run(text)).toMatchObject({ verdict: "fail", findings: [{ check: "budget" }, { check: "budget" }] });
});

describe("a context", () => {
  const packet = (context: string, body: string) => `title: t
programs:
  main: |
    main:
${body
  .split("\n")
  .map((line) => `      ${line}`)
  .join("\n")}
      exit
context: ${context}
`;
  const READ = `r2 = *(u32 *)(r1 + 76)
r3 = *(u32 *)(r1 + 80)
r0 = r3
r0 -= r2
r4 = r2
r4 += 4
if r4 > r3 goto +1
r0 = *(u32 *)(r2 + 0)`;

  test("has the bytes that the file says, or so many zeros, or 64 bytes, each its index", () => {
    expect(run(packet('{ data: "de ad be ef 05" }', READ)).r0).toBe(0xefbeadden);
    expect(run(packet("{ data: { length: 20 } }", READ)).r0).toBe(0n);
    expect(run(packet("{ mark: 1 }", READ)).r0).toBe(0x03020100n);
    expect(run(packet('{ data: "01 02" }', READ)).r0).toBe(2n);
  });

  test("has the fields that the file sets", () => {
    expect(run(packet("{ mark: 0x12345678 }", "r0 = *(u32 *)(r1 + 8)")).r0).toBe(0x12345678n);
    expect(run(packet("{ vlan_present: 1 }", "r0 = *(u32 *)(r1 + 20)")).r0).toBe(1n);
    expect(run(packet("{ vlan_present: 1 }", "r0 = *(u32 *)(r1 + 20)"), "linux-6.1").r0).toBe(1n);
    expect(run(packet("{ tstamp: 0x1122334455667788 }", "r0 = *(u64 *)(r1 + 152)")).r0).toBe(0x1122334455667788n);
  });

  test("is arguments for a raw tracepoint, 0 where the file has none", () => {
    const text = (context: string) => `title: t
programs:
  main:
    type: raw_tracepoint
    code: |
      main:
        r0 = *(u64 *)(r1 + 8)
        exit
${context}`;
    expect(run(text("context: { args: [1, 0xfffffffffffffffe] }\n")).r0).toBe(0xfffffffffffffffen);
    expect(run(text("")).r0).toBe(0n);
  });

  test("is a packet for XDP, too", () => {
    const text = `title: t
programs:
  main:
    type: xdp
    code: |
      main:
        r2 = *(u32 *)(r1 + 0)
        r3 = *(u32 *)(r1 + 4)
        r0 = r3
        r0 -= r2
        exit
context: { data: { length: 33 } }
`;
    expect(run(text).r0).toBe(33n);
  });

  test("of each step is its own", () => {
    const text = `title: t
programs:
  main: |
    main:
      r0 = *(u32 *)(r1 + 8)
      exit
steps:
  - { run: main, context: { mark: 5 }, expect: { r0: 5 } }
  - { run: main, expect: { r0: 0 } }
`;
    expect(mismatches(text)).toEqual([]);
  });
});

test("a budget of instructions ends a run", () => {
  const text = (budget: number) => `title: t
budget: ${budget}
programs:
  main: |
    main:
      r1 = 1000
      r2 = cb ll
      r3 = 0
      r4 = 0
      call bpf_loop
      exit
    cb:
      r0 = 0
      exit
`;
  expect(run(text(100))).toMatchObject({ verdict: "fail", instructions: 100, findings: [{ check: "budget" }] });
  expect(run(text(100_000)).verdict).toBe("pass");
});
