import { describe, expect, test } from "vitest";
import { enumerate } from "../../../src/search/enumerate.ts";
import { canonical, type Graph, graphText, permutations, sizeOf } from "../../../src/search/graph.ts";

const texts = (functions: number, calls: number, slots: number): string[] =>
  enumerate({ functions, calls, slots }).map(graphText);

describe("every graph up to a size", () => {
  test("one function, one call, one slot: it can only try a tail call, into itself or into nothing", () => {
    expect(texts(1, 1, 1)).toEqual(["a: [0]; [0]=-", "a: [0]; [0]=a"]);
  });

  test("the hierarchy is among those of two functions with two calls, and nothing is there twice", () => {
    const all = texts(2, 2, 1);
    expect(all).toContain("a: a1 a1, a1: [0]; [0]=a");
    expect(new Set(all).size).toBe(all.length);
  });

  test("the smallest come first", () => {
    const sizes = enumerate({ functions: 3, calls: 2, slots: 2 }).map(sizeOf);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  });

  test("a larger scope holds all of a smaller one", () => {
    const larger = new Set(enumerate({ functions: 3, calls: 2, slots: 2 }).map(canonical));
    for (const graph of enumerate({ functions: 2, calls: 2, slots: 2 })) expect(larger).toContain(canonical(graph));
  });

  // nobody's cleverness: all ways to write down two functions in one program, counted after renaming
  test("as many as brute force finds for one program of two functions", () => {
    const ops = (all: string[]) => ["", ...all, ...all.flatMap((a) => all.map((b) => `${a} ${b}`))];
    let count = 0;
    for (const main of ops(["a1", "[0]"]))
      for (const sub of ops(["[0]"]))
        for (const slot of ["-", "a"]) if (/a1/.test(main) && /\[0\]/.test(main + sub) && slot) count++;
    expect(texts(2, 2, 1).filter((text) => text.includes("a1:"))).toHaveLength(count);
  });
});

describe("graphs that differ only in names", () => {
  const graph = (programs: Graph["programs"], slots: Graph["slots"]): string => canonical({ programs, slots });

  test("are the same when subprograms are renamed, or slots are", () => {
    const call = (callee: number) => ({ kind: "call", callee }) as const;
    const tail = (slot: number) => ({ kind: "tail", slot }) as const;
    expect(graph([[[call(1), call(2)], [tail(0)], []]], [0])).toBe(graph([[[call(2), call(1)], [], [tail(0)]]], [0]));
    expect(graph([[[tail(0), tail(1)]]], [0, undefined])).toBe(graph([[[tail(1), tail(0)]]], [undefined, 0]));
    expect(graph([[[tail(0), tail(1)]]], [0, undefined])).not.toBe(graph([[[tail(1), tail(0)]]], [0, undefined]));
  });

  test("permutations are all there", () => {
    expect(permutations(3).map(String).sort()).toEqual(["0,1,2", "0,2,1", "1,0,2", "1,2,0", "2,0,1", "2,1,0"]);
    expect(permutations(3, true).map(String).sort()).toEqual(["0,1,2", "0,2,1"]);
  });
});
