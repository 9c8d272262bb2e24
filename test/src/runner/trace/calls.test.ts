import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { CallsText } from "../../../../src/report/trace/calls.ts";
import { CallTree } from "../../../../src/runner/trace/calls.ts";
import { StackArtist, TailCallFinder, type TailCallMoment } from "../../../../src/runner/trace/stacks.ts";
import { hierarchy, program, watch } from "./tracing.ts";

function treeOf(text: string, profile = "linux-6.12"): string {
  const tree = watch(text, profile, () => new CallTree());
  return new CallsText(pc.createColors(false)).run(tree.end(), tree.counts);
}

describe("the tree of calls", () => {
  test("what repeats inside itself is shown once, with the innermost; what was shown is not shown again", () => {
    expect(treeOf(hierarchy(2))).toBe(`entry
├─ call entry#sub
│  └─ tail call entry, 33 of them, each in the one before
│     └─ call entry#sub x 2
│        └─ tail call not taken by entry#sub
└─ call entry#sub, as above
69 calls, 33 tail calls taken, 35 not taken, 35 BPF functions deep
`);
  });

  test("what repeats side by side has a count; kernel functions are leaves", () => {
    const loop = program(`
      r6 = 5
      call f
      r6 -= 1
      if r6 != 0 goto -3
      call bpf_get_prandom_u32
      call bpf_get_prandom_u32
      r0 = 0
      exit
      f:
      r0 = 0
      exit`);
    expect(treeOf(loop)).toBe(`p
├─ call p#f x 5
└─ call bpf_user_rnd_u32 x 2
6 calls, 0 tail calls taken, 2 calls of kernel functions, 2 BPF functions deep
`);
  });

  test("a chain of tail calls through two programs", () => {
    const chain = `title: t
maps: { slots: { type: prog_array, max_entries: 2, values: { 0: ping, 1: pong } } }
programs:
  ping: "r2 = slots ll\\nr3 = 1\\ncall bpf_tail_call\\nr0 = 0\\nexit"
  pong: "r2 = slots ll\\nr3 = 0\\ncall bpf_tail_call\\nr0 = 0\\nexit"
`;
    expect(treeOf(chain)).toBe(`ping
└─ tail call pong
   └─ tail call ping, 16 of them, each in the one before
      └─ tail call pong
         └─ tail call not taken by pong
1 call, 33 tail calls taken, 1 not taken, 1 BPF function deep
`);
  });
});

test("the stack at each tail call, in a second run that is stopped there", () => {
  const moments = watch(hierarchy(1), "linux-6.12", (world) => new TailCallFinder(world.session.machine)).moments;
  const pictures: [number, TailCallMoment, string][] = [];
  watch(hierarchy(1), "linux-6.12", (world) => {
    const artist = new StackArtist(world.session.machine, moments, (...shown) => pictures.push(shown));
    return artist;
  });
  expect(pictures).toHaveLength(33);
  expect(pictures[1]).toEqual([
    2,
    { piece: 1, icount: moments[1].icount, callee: "entry" },
    `entry:1 | ret | rbp | tcc 2 | tcc_ptr entry:1 | rbx |
entry:2 | ret | rbp | tcc_ptr entry:1 | tcc_ptr entry:1 | rbx |
entry:3 | ret | rbp | tcc_ptr entry:1 | tcc_ptr entry:1 | rbx |
`,
  ]);
});
