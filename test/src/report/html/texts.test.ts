import { describe, expect, test } from "vitest";
import { type CallItem, parseCalls } from "../../../../src/report/html/page/call-lines.ts";
import { parseRoute, routeTo } from "../../../../src/report/html/page/route.ts";
import { foldRows, kindOf, parsePicture, pointsTo } from "../../../../src/report/html/page/stack-rows.ts";

describe("the page's address", () => {
  test("names a scenario and a profile, which may hold anything that a file name holds", () => {
    for (const [scenario, profile] of [
      ["hierarchy/two-calls", "linux-6.1"],
      ["a b/ü#@x%41", "linux-6.12+mitoff"],
    ])
      expect(parseRoute(routeTo(scenario, profile))).toEqual({ scenario, profile });
  });

  test("names a scenario alone, or nothing; what is no address names nothing", () => {
    expect(["#calls/five", "", "#", "#%E0%A4%A"].map(parseRoute)).toEqual([{ scenario: "calls/five" }, {}, {}, {}]);
  });
});

describe("a picture of the stack", () => {
  const [outer, inner] = parsePicture("entry | ret | rbp | tcc 1 |\nsub   | ret | rbp | tcc_ptr entry |\n");

  test("is a row of cells for each frame", () => {
    expect(outer).toEqual({ name: "entry", cells: ["ret", "rbp", "tcc 1"] });
  });

  test("says which cells are counts, and where a pointer leads", () => {
    expect(outer.cells.map(kindOf)).toEqual(["saved", "saved", "count"]);
    expect([kindOf(inner.cells[2]), pointsTo(inner.cells[2]), pointsTo(outer.cells[2])]).toEqual([
      "pointer",
      "entry",
      undefined,
    ]);
  });

  test("leaves out the frames in the middle when there are many; for a single one it is not worth it", () => {
    expect(foldRows(["a", "b", "c", "d", "e"], 1, 2)).toEqual(["a", 2, "d", "e"]);
    expect(foldRows([1, 2, 3, 4], 1, 2)).toEqual([1, 2, 3, 4]);
  });
});

test("the tree of calls is what its indented lines say", () => {
  const text = `entry
├─ call sub
│  └─ tail call entry, 33 of them, each in the one before
│     └─ tail call not taken by sub
└─ call sub, as above
3 calls, 33 tail calls taken, 1 not taken, 35 BPF functions deep
`;
  const outline = ({ kind, text: label, children }: CallItem): unknown[] => [
    kind,
    label.slice(0, 15),
    ...children.map(outline),
  ];
  expect(parseCalls(text).map(outline)).toEqual([
    [
      "call",
      "entry",
      ["call", "call sub", ["tail-call", "tail call entry", ["refused", "tail call not t"]]],
      ["call", "call sub, as ab"],
    ],
    ["counts", "3 calls, 33 tai"],
  ]);
});
