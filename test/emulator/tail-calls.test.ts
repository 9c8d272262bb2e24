import { expect, test } from "vitest";
import { TailCalls } from "../../emulator/tail-calls.ts";

test("tail calls are counted apart for each entry from the kernel, and all together", () => {
  const counts = new TailCalls();
  const taken = [counts.take(), counts.take()];
  counts.enter();
  taken.push(counts.take());
  counts.leave();
  taken.push(counts.take());
  expect(taken).toEqual([1, 2, 1, 3]);
  expect(counts.total).toBe(4);
});

test("what is saved is not what is counted on", () => {
  const counts = new TailCalls();
  counts.take();
  counts.enter();
  const saved = counts.save();
  counts.take();
  counts.leave();
  counts.take();
  expect(counts.total).toBe(3);
  counts.restore(saved);
  expect([counts.total, counts.take(), counts.total]).toEqual([1, 1, 2]);
  counts.restore(saved);
  expect(counts.total).toBe(1);
});

test("a program that leaves without having been entered by a trampoline changes nothing", () => {
  const counts = new TailCalls();
  counts.take();
  counts.leave();
  expect([counts.total, counts.take()]).toEqual([1, 2]);
});
