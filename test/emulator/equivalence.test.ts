import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Engine,
  EVENT_WORDS,
  MARK_BY_DIRECT,
  MARK_DIRECT,
  MARK_OWN_STORE,
  MARK_PUSH,
  MARK_RET,
  MARK_SP_UP,
  MARK_WATCH_SHIFT,
  NREGS,
  RDI,
  RIP,
  RSI,
  type RunOptions,
  type Stop,
} from "../../emulator/engine.ts";
import type { NativeOptions } from "../../emulator/native/engine.ts";
import { DATA, type Line, rig, run, STACK, TOP } from "./rig.ts";

/** Instructions that keep to the data pages or the stack, or fault, or break it. */
const INSTRUCTIONS: Line[] = [
  ["4801c8", "add rax, rcx"],
  ["4829d1", "sub rcx, rdx"],
  ["4811da", "adc rdx, rbx"],
  ["4831c3", "xor rbx, rax"],
  ["48c1e003", "shl rax, 3"],
  ["49d3e8", "shr r8, cl"],
  ["490fafc1", "imul rax, r9"],
  ["0f92c2", "setc dl"],
  ["480f44d8", "cmovz rbx, rax"],
  ["7400", "je +0", MARK_DIRECT],
  ["7203", "jb +3", MARK_DIRECT],
  ["488907", "mov [rdi], rax"],
  ["488b1f", "mov rbx, [rdi]"],
  ["48894f18", "mov [rdi+24], rcx"],
  ["f0480fc15708", "lock xadd [rdi+8], rdx"],
  ["48879ffc0f0000", "xchg [rdi+0xffc], rbx"],
  ["48014710", "add [rdi+16], rax"],
  ["50", "push rax", MARK_PUSH],
  ["53", "push rbx", MARK_PUSH],
  ["59", "pop rcx", MARK_SP_UP],
  ["4883ec10", "sub rsp, 16"],
  ["4883c408", "add rsp, 8", MARK_SP_UP],
  ["48890424", "mov [rsp], rax"],
  ["4889442408", "mov [rsp+8], rax", MARK_OWN_STORE],
  ["48894424f8", "mov [rsp-8], rax"],
  ["f348a5", "rep movsq"],
  ["b903000000", "mov ecx, 3"],
  ["488b06", "mov rax, [rsi]"],
  ["9c", "pushfq", MARK_PUSH],
  ["660fd6c0", "movq xmm0, xmm0"],
  ["cc", "int3"],
];

const lines = fc
  .array(fc.tuple(fc.nat(INSTRUCTIONS.length - 1), fc.boolean()), { minLength: 1, maxLength: 40 })
  .map((picks) =>
    picks.map(([i, watched]): Line => {
      const [hex, text, mark = 0] = INSTRUCTIONS[i];
      return [hex, text, mark | MARK_BY_DIRECT | (watched ? 1 << MARK_WATCH_SHIFT : 0)];
    }),
  );
const registers = fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { minLength: NREGS, maxLength: NREGS });

/** Runs a machine to its end, through every stop that can be gone on from. */
function history(program: Line[], start: bigint[], options: NativeOptions, how: Partial<RunOptions>) {
  const { engine } = rig([...program, ["c3", "ret", MARK_RET]], options);
  const keep = [4, RDI, RIP, 17, 18];
  for (let i = 0; i < NREGS; i++) if (!keep.includes(i)) engine.regs[i] = start[i];
  engine.regs[RSI] = DATA + (start[RSI] & 0x1ff8n);
  engine.regs[1] &= 0xfn;
  engine.guardStack(STACK, TOP);
  engine.watch(1, { event: true, count: true });
  const events: bigint[] = [];
  engine.onEvents = (words, count) => events.push(...words.subarray(0, count * EVENT_WORDS));
  const stops: Stop[] = [];
  for (let i = 0; i < 400; i++) {
    const stop = run(engine, how);
    if (stop.kind === "budget") continue;
    stops.push(stop);
    if (stop.kind !== "stack") break;
  }
  const result = { stops, ...state(engine), events };
  engine.close();
  return result;
}

function state(engine: Engine) {
  return {
    regs: engine.regs.slice(),
    icount: engine.icount,
    hits: engine.hits(1),
    memory: createHash("sha1").update(engine.read(STACK, 0x4000)).update(engine.read(DATA, 0x4000)).digest("hex"),
  };
}

test("the same program gives the same history: plain, one instruction at a time, traced, through hooks", () => {
  const trace = { steps() {}, accesses() {} };
  fc.assert(
    fc.property(lines, registers, (program, start) => {
      const plain = history(program, start, {}, {});
      expect(history(program, start, {}, { budget: 1 })).toEqual(plain);
      expect(history(program, start, {}, { trace })).toEqual(plain);
      expect(history(program, start, { storeHooks: true }, {})).toEqual(plain);
      expect(history(program, start, { storeHooks: true }, { budget: 3, trace })).toEqual(plain);
    }),
    { numRuns: 150 },
  );
});

test("a snapshot taken anywhere and restored gives the same history", () => {
  fc.assert(
    fc.property(lines, registers, fc.nat(40), (program, start, when) => {
      const { engine } = rig([...program, ["c3", "ret", MARK_RET]]);
      for (const i of [0, 1, 2, 3, 8, 9]) engine.regs[i] = start[i] & 0xffn;
      engine.regs[RSI] = DATA;
      engine.guardStack(STACK, TOP);
      engine.watch(1, { count: true, stop: true });
      run(engine, { budget: when });
      const snapshot = engine.snapshot();
      const first = [run(engine), state(engine)];
      engine.restore(snapshot);
      expect([run(engine), state(engine)]).toEqual(first);
      engine.close();
    }),
    { numRuns: 150 },
  );
});
