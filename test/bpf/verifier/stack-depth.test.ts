import { expect, test } from "vitest";
import * as P from "../../../bpf/program.ts";
import {
  functionStarts,
  linux6_1,
  linux6_12,
  linux6_18,
  linux7_2,
  stackDepths,
  tailCallReachable,
} from "../../../bpf/verifier/index.ts";
import { MAPS, program, type Setting, xlate } from "./xlate.ts";

const depths = (text: string, setting: Setting = {}) =>
  stackDepths(program(text, setting), MAPS, setting.kernel ?? linux6_12);

const TEN_BYTES = `
    *(u16 *)(r10 - 10) = 1
    r0 = 0
    exit`;

test("6.1 counts the bytes that are used, 6.12 whole slots of 8", () => {
  expect(depths(TEN_BYTES, { kernel: linux6_1 })).toEqual([10]);
  expect(depths(TEN_BYTES, { kernel: linux6_12 })).toEqual([16]);
});

test("a callee that is handed a pointer to the stack uses the caller's", () => {
  const text = `
    main:
      r1 = r10
      r1 += -24
      call f
      exit
    f:
      *(u64 *)(r1 + 0) = 1
      r0 = 0
      exit`;
  expect(depths(text)).toEqual([24, 0]);
});

test("memory that a helper fills counts", () => {
  const text = `
      r2 = 0
      r3 = r10
      r3 += -40
      r4 = 32
      call bpf_skb_load_bytes
      exit`;
  expect(depths(text)).toEqual([40]);
});

test("a store on a path that cannot be taken does not count", () => {
  const text = `
      r0 = 0
      if r0 == 0 goto out
      *(u64 *)(r10 - 64) = 1
    out:
      exit`;
  expect(depths(text)).toEqual([0]);
});

test("all frames of a chain of calls share 512 bytes", () => {
  const chain = (n: number) => `
    main:
      *(u64 *)(r10 - 256) = 1
      call f
      exit
    f:
      *(u64 *)(r10 - ${n}) = 1
      r0 = 0
      exit`;
  expect(depths(chain(256))).toEqual([256, 256]);
  expect(() => xlate(chain(264))).toThrow("combined stack size of 2 calls is 528. Too large");
  // before 6.9 a frame counted multiples of 32 bytes
  expect(() => xlate(chain(264), { kernel: linux6_1 })).toThrow("combined stack size of 2 calls is 544. Too large");
});

// main calls a, which can tail call, and then b, which cannot
const SIBLINGS = `
    main:
      r6 = r1
      call a
      call b
      r0 = 0
      exit
    a:
      r2 = jmp_table ll
      r3 = 0
      call bpf_tail_call
      r0 = 0
      exit
    b:
      call leaf
      exit
    leaf:
      r0 = 0
      exit`;

test("up to 7.1 the mark of one callee leaks to functions called after it", () => {
  const { insns } = program(SIBLINGS);
  const starts = functionStarts(insns);
  expect(tailCallReachable(insns, starts, linux6_12)).toEqual([true, true, true, false]);
  expect(tailCallReachable(insns, starts, linux7_2)).toEqual([true, true, false, false]);
});

test("256 bytes of frames before a function that tail calls are too many", () => {
  const text = `
    main:
      *(u64 *)(r10 - 256) = 1
      call f
      exit
    f:
      r2 = jmp_table ll
      r3 = 0
      call bpf_tail_call
      r0 = 0
      exit`;
  expect(() => xlate(text)).toThrow("tail_calls are not allowed when call stack of previous frames is 256 bytes");
});

const DEEP = `
    main:
      *(u64 *)(r10 - 64) = 1
      call f
      exit
    f:
      *(u64 *)(r10 - 40) = 1
      r0 = 0
      exit`;

test("from 6.13 on functions of 64 bytes and more of a raw tracepoint have a private stack", () => {
  const priv = (setting: Setting) => xlate(DEEP, setting).functions.map((f) => f.privateStack ?? false);
  expect(priv({ kernel: linux6_18, type: P.PROG_TYPE_RAW_TRACEPOINT })).toEqual([true, false]);
  expect(priv({ kernel: linux6_12, type: P.PROG_TYPE_RAW_TRACEPOINT })).toEqual([false, false]);
  expect(priv({ kernel: linux6_18, type: P.PROG_TYPE_SCHED_CLS })).toEqual([false, false]);
});
