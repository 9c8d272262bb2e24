import { describe, expect, test } from "vitest";
import { keyOf } from "../../../emulator/maps/map.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { exactly, plainly } from "./rig.ts";

/** An entry that calls a subprogram N times, which tail-calls the entry. */
const hierarchy = (calls: number): string => `
maps:
  jmp_table: { type: prog_array, max_entries: 1, values: { 0: entry } }
  counter: { type: array, value_size: 8, max_entries: 1 }
programs:
  entry: |
    entry:
      r6 = r1
      r1 = counter[0] ll
      r2 = *(u64 *)(r1 + 0)
      r2 += 1
      *(u64 *)(r1 + 0) = r2
${"      r1 = r6\n      call subprog\n".repeat(calls)}      r0 = 7
      exit
    subprog:
      r2 = jmp_table ll
      r3 = 0
      call bpf_tail_call
      r0 = 0
      exit
`;

/** N + N^2 + ... + N^33 */
const geometric = (n: bigint, limit: number): bigint =>
  Array.from({ length: limit }, (_, i) => n ** BigInt(i + 1)).reduce((a, b) => a + b);

describe("the hierarchy, on a kernel that keeps the count by value", () => {
  test.each([1, 2, 3, 5, 8])("%i calls: the sum of its powers up to the 33rd", (calls) => {
    let entries = 0n;
    const run = exactly(hierarchy(calls), "linux-6.1", ({ kernel }) => {
      entries = Buffer.from(kernel.maps.get("counter")!.read(keyOf(0))!).readBigUInt64LE();
    });
    const tailCalls = geometric(BigInt(calls), 33);
    expect(run).toMatchObject({ kind: "exact", r0: 7n, tailCalls });
    expect(entries).toBe(BigInt.asUintN(64, tailCalls + 1n)); // each tail call enters the entry, whose counter has 64 bits
  });

  test.each([
    [2, 12],
    [3, 8],
    [5, 5],
  ])(
    "%i calls: the same as execution for every limit up to %i, the sum of powers for every one up to 16",
    (calls, most) => {
      const yaml = hierarchy(calls);
      for (let limit = 1; limit <= 16; limit++) {
        const profile = { ...profileNamed("linux-6.1")!, maxTailCalls: limit };
        const { kind, ...run } = exactly(yaml, profile) as { kind: string; tailCalls: bigint };
        expect({ limit, kind, tailCalls: run.tailCalls }).toEqual({
          limit,
          kind: "exact",
          tailCalls: geometric(BigInt(calls), limit),
        });
        if (limit <= most) expect(run).toEqual(plainly(yaml, profile));
      }
    },
  );

  test("where the count holds, all of it is what plain execution says", () => {
    const { kind, ...run } = exactly(hierarchy(2), "linux-6.12") as { kind: string };
    expect(kind).toBe("exact");
    expect(run).toEqual(plainly(hierarchy(2), "linux-6.12"));
  });
});

describe("what the memo makes of a run is what execution makes of it", () => {
  const programs: Record<string, string> = {
    "a program that calls nobody": `
programs:
  entry: |
    r0 = 3
    exit
`,
    "a 32-bit counter that wraps": `
maps:
  counter: { type: array, value_size: 4, max_entries: 1, values: { 0: 0xfffffffe } }
programs:
  entry: |
    entry:
      call bump
      call bump
      call bump
      r0 = 1
      exit
    bump:
      r1 = counter[0] ll
      r2 = *(u32 *)(r1 + 0)
      r2 += 1
      *(u32 *)(r1 + 0) = r2
      r0 = r2
      exit
`,
    "a function whose way depends on a counter": `
maps:
  counter: { type: array, value_size: 8, max_entries: 1 }
programs:
  entry: |
    entry:
      call bump
      call bump
      call bump
      call bump
      exit
    bump:
      r1 = counter[0] ll
      r0 = 1
      lock *(u64 *)(r1 + 0) += r0
      r0 = *(u64 *)(r1 + 0)
      if r0 > 2 goto more
      exit
    more:
      r0 *= 100
      exit
`,
    "an argument that is handed down and back": `
programs:
  entry: |
    entry:
      r1 = 5
      call twice
      r1 = r0
      call twice
      r1 = r0
      call twice
      exit
    twice:
      *(u64 *)(r10 - 8) = r1
      r0 = *(u64 *)(r10 - 8)
      r0 += r1
      exit
`,
    "halves of a stack slot": `
programs:
  entry: |
    entry:
      r1 = 0x1111222233334444 ll
      call halves
      r6 = r0
      r1 = 0x1111222233334445 ll
      call halves
      r0 += r6
      exit
    halves:
      *(u64 *)(r10 - 8) = r1
      r0 = *(u32 *)(r10 - 4)
      r2 = *(u16 *)(r10 - 8)
      r0 += r2
      exit
`,
  };

  test.each(Object.entries(programs))("%s", (_, yaml) => {
    for (const profile of ["linux-6.1", "linux-6.12", "linux-7.2+mitoff"]) {
      const maps: string[] = [];
      const look = (world: Parameters<NonNullable<Parameters<typeof exactly>[2]>>[0]): void => {
        const map = world.kernel.maps.get("counter");
        maps.push(Buffer.from(map?.read(keyOf(0)) ?? []).toString("hex"));
      };
      const { kind, ...run } = exactly(yaml, profile, look) as { kind: string };
      expect(kind).toBe("exact");
      expect(run).toEqual(plainly(yaml, profile, look));
      expect(maps[0]).toBe(maps[1]);
    }
  });
});

describe("it refuses, and says why", () => {
  const withHelper = (name: string): string => `
programs:
  entry: |
    entry:
      call ${name}
      r0 = 0
      exit
`;

  test("a helper that keeps state of its own", () => {
    expect(exactly(withHelper("bpf_ktime_get_ns"), "linux-6.12")).toEqual({
      kind: "refused",
      why: "bpf_ktime_get_ns keeps state, or is not known not to",
    });
  });

  test("a function that reads what an earlier call left on the stack: its effect would depend on calls that are skipped", () => {
    const yaml = `
programs:
  entry: |
    entry:
      call leave
      call look
      exit
    leave:
      *(u64 *)(r10 - 8) = 42
      r0 = 0
      exit
    look:
      r0 = *(u64 *)(r10 - 8)
      exit
`;
    expect(exactly(yaml, "linux-6.12")).toEqual({
      kind: "refused",
      why: "a function reads stack that a call before it left behind",
    });
  });

  test("a run without an end in sight", () => {
    const yaml = `
programs:
  entry: |
    entry:
      r1 = 100
    again:
      r1 += -1
      if r1 != 0 goto again
      r0 = 0
      exit
`;
    expect(exactly(yaml, "linux-6.12", undefined, 50)).toEqual({
      kind: "refused",
      why: "no end in sight after 50 executed instructions",
    });
  });
});
