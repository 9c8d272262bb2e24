import { describe, expect, test } from "vitest";
import {
  EngineError,
  EVENT_ICOUNT,
  MARK_BY_DIRECT,
  MARK_DIRECT,
  MARK_PUSH,
  MARK_WATCH_SHIFT,
  RAX,
  RBX,
  RCX,
  RFLAGS,
  RIP,
  RSP,
} from "../../emulator/engine.ts";
import { begin, DATA, peek, poke, RW, rig, run, TOP, UNTIL } from "./rig.ts";

import { collect, loop, RET, W1, W2 } from "./watched.ts";

describe("call", () => {
  test("reads and writes registers", () => {
    const { engine } = loop(3);
    const seen: bigint[] = [];
    engine.watch(1, {
      call() {
        seen.push(engine.regs[RAX]);
        engine.regs[RAX] += 10n;
      },
    });
    run(engine);
    expect(seen).toEqual([0n, 11n, 22n]);
    expect(engine.regs[RAX]).toBe(33n);
  });

  test("sees rip, the flags, and what has been stored so far; its own writes are seen by the next instruction", () => {
    const { engine, line } = rig([
      ["48c70707000000", "mov qword [rdi], 7"],
      ["f8", "clc"],
      ["0f92c3", "setc bl", W1],
      ["488b07", "mov rax, [rdi]"],
      RET,
    ]);
    engine.watch(1, {
      call() {
        expect(engine.regs[RIP]).toBe(line[2]);
        expect(engine.icount).toBe(2);
        expect(peek(engine, DATA)).toBe(7n);
        poke(engine, DATA, 8n);
        engine.regs[RFLAGS] |= 1n;
      },
    });
    run(engine);
    expect(engine.regs[RAX]).toBe(8n);
    expect(engine.regs[RBX]).toBe(1n);
  });

  test("a helper: rax and rip written, the call is over, and the return is no landing violation", () => {
    const { engine, line } = rig([
      ["e802000000", "call helper", MARK_DIRECT | MARK_PUSH],
      ["90", "nop"],
      RET,
      ["0f0b", "helper: ud2", MARK_BY_DIRECT | W1],
    ]);
    engine.watch(1, {
      call() {
        engine.regs[RAX] = 42n;
        engine.regs[RIP] = peek(engine, engine.regs[RSP]);
        engine.regs[RSP] += 8n;
      },
    });
    expect(run(engine)).toEqual({ kind: "until", pc: UNTIL });
    expect(engine.regs[RAX]).toBe(42n);
    expect(engine.icount).toBe(3); // call, nop, ret
    expect(line.length).toBe(4);
  });

  test("may send the run straight to until", () => {
    const { engine } = loop(5);
    engine.watch(1, {
      call() {
        engine.regs[RIP] = UNTIL;
      },
    });
    expect(run(engine)).toEqual({ kind: "until", pc: UNTIL });
    expect(engine.icount).toBe(1);
  });

  test("may send the run to another watched instruction, or back to an earlier one", () => {
    const { engine, line } = rig([["90", "nop", W2], ["48ffc0", "inc rax"], ["90", "nop", W1], RET]);
    let again = 3;
    engine.watch(2, { count: true });
    engine.watch(1, {
      call() {
        if (again-- > 0) engine.regs[RIP] = line[0];
      },
    });
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(4n);
    expect(engine.hits(2)).toBe(4);
  });

  test("may set icount and tag", () => {
    const { engine } = loop(1);
    const events = collect(engine);
    engine.watch(1, {
      event: true,
      call() {
        engine.icount = 1000;
      },
    });
    run(engine);
    expect(engine.icount).toBe(1004);
    expect(events[0][EVENT_ICOUNT]).toBe(1n);
  });

  test("may define watches, marks, maps and protections", () => {
    const { engine, line } = rig([["90", "nop", W1], ["48890e", "mov [rsi], rcx"], ["90", "nop"], RET]);
    engine.watch(1, {
      call() {
        engine.map(0x50000n, 0x1000, RW);
        engine.regs[6] = 0x50000n;
        engine.mark(line[2], new Uint32Array([1 | (700 << MARK_WATCH_SHIFT)]));
        engine.watch(700, { stop: true });
      },
    });
    expect(run(engine)).toEqual({ kind: "watch", pc: line[2], id: 700 });
    engine.watch(700, { call: () => engine.protect(DATA, 0x4000, 0) });
    begin(engine, line[2]);
    run(engine);
  });

  test("must not run, restore, snapshot or close", () => {
    const { engine } = loop(1);
    const snapshot = engine.snapshot();
    const errors: string[] = [];
    engine.watch(1, {
      call() {
        for (const act of [
          () => run(engine),
          () => engine.restore(snapshot),
          () => engine.snapshot(),
          () => engine.close(),
        ]) {
          try {
            act();
          } catch (error) {
            expect(error).toBeInstanceOf(EngineError);
            errors.push((error as Error).message);
          }
        }
      },
    });
    expect(run(engine).kind).toBe("until");
    expect(errors).toEqual(["run", "restore", "snapshot", "close"].map((what) => `${what}: the engine is running`));
  });

  test("may run another engine", () => {
    const { engine } = loop(3);
    const { engine: inner } = loop(2);
    inner.guardStack(TOP - 0x4000n, TOP);
    engine.watch(1, {
      call() {
        begin(inner);
        inner.regs[RCX] = 4n;
        expect(run(inner).kind).toBe("until");
        engine.regs[RBX] += inner.regs[RAX];
      },
    });
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RBX]).toBe(12n);
  });

  test("what it throws ends the run, at the watched instruction, and comes out of run()", () => {
    const { engine, line } = loop(5);
    const oops = new RangeError("oops");
    let rounds = 0;
    engine.watch(1, {
      call() {
        if (++rounds === 3) throw oops;
      },
    });
    expect(() => run(engine)).toThrow(oops);
    expect(engine.regs[RIP]).toBe(line[1]);
    expect(engine.regs[RAX]).toBe(2n);
    expect(engine.icount).toBe(9);
    // the engine is as good as before
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(5n);
  });

  test.each([["a string"], [undefined], [null], [42]])("even %s", (thrown) => {
    const { engine } = loop(1);
    engine.watch(1, {
      call() {
        throw thrown;
      },
    });
    let caught: unknown = "nothing";
    try {
      run(engine);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(thrown);
  });

  test("the same for onEvents, in the middle of a run and at its end", () => {
    const { engine } = loop(5000);
    engine.watch(1, { event: true });
    engine.onEvents = () => {
      throw new Error("full");
    };
    expect(() => run(engine)).toThrow("full");
    expect(engine.regs[RCX]).toBeGreaterThan(0n);
    expect(engine.regs[RCX]).toBeLessThan(5000n);
    begin(engine);
    engine.regs[RCX] = 1n;
    expect(() => run(engine)).toThrow("full");
    expect(engine.regs[RIP]).toBe(UNTIL);
    engine.onEvents = undefined;
    begin(engine);
    expect(run(engine, { budget: 50 }).kind).toBe("budget");
  });
});
