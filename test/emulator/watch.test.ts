import { describe, expect, test } from "vitest";
import {
  type Engine,
  EngineError,
  EVENT_FROM,
  EVENT_ICOUNT,
  EVENT_ID,
  EVENT_PC,
  EVENT_REGS,
  EVENT_RFLAGS,
  EVENT_TAG,
  EVENT_TOP,
  EVENT_WORDS,
  MARK_BY_DIRECT,
  MARK_BY_INDIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_INDIRECT,
  MARK_PUSH,
  MARK_RET,
  MARK_SP_UP,
  MARK_WATCH_SHIFT,
  RAX,
  RBX,
  RCX,
  RFLAGS,
  RIP,
  RSI,
  RSP,
} from "../../emulator/engine.ts";
import { begin, DATA, type Line, peek, poke, RW, rig, run, TOP, UNTIL } from "./rig.ts";

const W1 = 1 << MARK_WATCH_SHIFT;
const W2 = 2 << MARK_WATCH_SHIFT;
const RET: Line = ["c3", "ret", MARK_RET];

/** rcx rounds over a watched instruction, line 1. */
const LOOP: Line[] = [
  ["90", "nop", MARK_BY_DIRECT],
  ["48ffc0", "inc rax", W1],
  ["48ffc9", "dec rcx"],
  ["75f7", "jne -9", MARK_DIRECT],
  RET,
];

function loop(rounds: number) {
  const machine = rig(LOOP);
  machine.engine.regs[RCX] = BigInt(rounds);
  return machine;
}

function collect(engine: Engine): bigint[][] {
  const all: bigint[][] = [];
  engine.onEvents = (records, count) => {
    for (let i = 0; i < count; i++) all.push([...records.subarray(i * EVENT_WORDS, (i + 1) * EVENT_WORDS)]);
  };
  return all;
}

describe("count", () => {
  test("counts hits until they are reset", () => {
    const { engine } = loop(7);
    engine.watch(1, { count: true });
    run(engine);
    expect(engine.hits(1)).toBe(7);
    engine.resetHits();
    expect(engine.hits(1)).toBe(0);
    expect(engine.hits(2)).toBe(0);
  });

  test("with a limit, stops before the hit that would exceed it", () => {
    const { engine, line } = loop(10);
    engine.watch(1, { count: true, limit: 3 });
    expect(run(engine)).toEqual({ kind: "limit", pc: line[1], id: 1 });
    expect(engine.regs[RIP]).toBe(line[1]);
    expect(engine.regs[RAX]).toBe(3n);
    expect(engine.hits(1)).toBe(3);
    // the limit still holds, until it is raised
    expect(run(engine)).toEqual({ kind: "limit", pc: line[1], id: 1 });
    engine.watch(1, { count: true, limit: 5 });
    expect(run(engine)).toEqual({ kind: "limit", pc: line[1], id: 1 });
    expect(engine.regs[RAX]).toBe(5n);
  });

  test("a limit of 0 allows none", () => {
    const { engine, line } = loop(1);
    engine.watch(1, { count: true, limit: 0 });
    expect(run(engine)).toEqual({ kind: "limit", pc: line[1], id: 1 });
    expect(engine.hits(1)).toBe(0);
  });
});

describe("event", () => {
  test("a record has id, addresses, count, registers before the instruction, the word at rsp, and the tag", () => {
    const { engine, line } = rig([["bb05000000", "mov ebx, 5"], ["f9", "stc"], ["48ffc3", "inc rbx", W2], RET]);
    const events = collect(engine);
    engine.watch(2, { event: true });
    engine.tag = 0xabcdn;
    engine.icount = 100;
    run(engine);
    expect(events.length).toBe(1);
    const [event] = events;
    expect(event[EVENT_ID]).toBe(2n);
    expect(event[EVENT_PC]).toBe(line[2]);
    expect(event[EVENT_FROM]).toBe(line[1]);
    expect(event[EVENT_ICOUNT]).toBe(102n);
    expect(event[EVENT_REGS + RBX]).toBe(5n);
    expect(event[EVENT_REGS + RSP]).toBe(TOP - 8n);
    expect(event[EVENT_RFLAGS] & 1n).toBe(1n);
    expect(event[EVENT_TOP]).toBe(UNTIL);
    expect(event[EVENT_TAG]).toBe(0xabcdn);
  });

  test("the id's upper half says how control came", () => {
    const { engine, line } = rig([
      ["e803000000", "call +3", MARK_DIRECT | MARK_PUSH | W1],
      ["90", "nop", MARK_BY_RET | W1],
      ["ffe0", "jmp rax", MARK_INDIRECT | W1],
      ["c3", "ret", MARK_RET | MARK_BY_DIRECT | MARK_BY_INDIRECT | W1],
    ]);
    const events = collect(engine);
    engine.watch(1, { event: true });
    engine.regs[RAX] = line[3];
    expect(run(engine).kind).toBe("until");
    expect(events.map((e) => [e[EVENT_PC], e[EVENT_ID] & 0xffffffffn, Number(e[EVENT_ID] >> 32n)])).toEqual([
      [line[0], 1n, 0],
      [line[3], 1n, MARK_BY_DIRECT],
      [line[1], 1n, MARK_BY_RET],
      [line[2], 1n, 0],
      [line[3], 1n, MARK_BY_INDIRECT],
    ]);
  });

  test("where rsp is not mapped the word is 0", () => {
    const { engine } = rig([["90", "nop", W1], RET]);
    const events = collect(engine);
    engine.watch(1, { event: true });
    engine.regs[RSP] = 0x1000n;
    expect(run(engine).kind).toBe("fault");
    expect(events[0][EVENT_TOP]).toBe(0n);
  });

  test("the caller, when control came by a call", () => {
    const { engine, line } = rig([
      ["e801000000", "call +1", MARK_DIRECT | MARK_PUSH],
      ["c3", "ret", MARK_RET | MARK_BY_RET],
      ["c3", "ret", MARK_RET | MARK_BY_DIRECT | W1],
    ]);
    const events = collect(engine);
    engine.watch(1, { event: true });
    run(engine);
    expect(events.map((e) => [e[EVENT_FROM], e[EVENT_TOP]])).toEqual([[line[0], line[1]]]);
  });

  test("more than the ring holds arrive in order, and all of them by the end of the run", () => {
    const { engine } = loop(10_000);
    let records = 0;
    let calls = 0;
    engine.onEvents = (words, count) => {
      calls++;
      for (let i = 0; i < count; i++) {
        expect(words[i * EVENT_WORDS + EVENT_REGS + RAX]).toBe(BigInt(records++));
      }
    };
    engine.watch(1, { event: true });
    run(engine);
    expect(records).toBe(10_000);
    expect(calls).toBeGreaterThan(2);
  });

  test("nobody listening is fine", () => {
    const { engine } = loop(5000);
    engine.watch(1, { event: true });
    expect(run(engine).kind).toBe("until");
  });

  test("the instruction before is 0 at the start, and known when a run goes on where the last one ended", () => {
    const { engine, line } = rig([["90", "nop", W1], ["90", "nop", W1], RET]);
    const events = collect(engine);
    engine.watch(1, { event: true });
    run(engine, { budget: 1 });
    run(engine);
    expect(events.map((e) => e[EVENT_FROM])).toEqual([0n, line[0]]);
  });
});

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

describe("stop", () => {
  test("ends the run on the instruction, and going on executes it", () => {
    const { engine, line } = loop(3);
    engine.watch(1, { count: true, stop: true });
    for (let i = 0; i < 3; i++) {
      expect(run(engine)).toEqual({ kind: "watch", pc: line[1], id: 1 });
      expect(engine.regs[RIP]).toBe(line[1]);
      expect(engine.regs[RAX]).toBe(BigInt(i));
    }
    expect(run(engine).kind).toBe("until");
    expect(engine.hits(1)).toBe(3);
  });

  test("a run that begins there afresh does stop", () => {
    const { engine, line } = loop(3);
    engine.watch(1, { stop: true });
    begin(engine, line[1]);
    expect(run(engine).kind).toBe("watch");
    engine.regs[RSP] -= 64n; // another task
    poke(engine, engine.regs[RSP], UNTIL);
    expect(run(engine).kind).toBe("watch");
    expect(run(engine, { budget: 1 }).kind).toBe("budget");
    // and the first one goes on from where it stopped
    engine.regs[RIP] = line[1];
    engine.regs[RSP] += 64n;
    expect(run(engine, { budget: 1 }).kind).toBe("budget");
    // given up and begun again, with an icount that says so, it stops
    begin(engine, line[1]);
    expect(run(engine).kind).toBe("watch");
    engine.icount = 0;
    begin(engine, line[1]);
    expect(run(engine).kind).toBe("watch");
  });

  test("comes after count, event and call", () => {
    const { engine, line } = loop(3);
    const order: string[] = [];
    engine.onEvents = (_, count) => order.push(`${count} event`);
    engine.watch(1, {
      count: true,
      event: true,
      call() {
        order.push(`call, ${engine.hits(1)} hit`);
      },
      stop: true,
    });
    expect(run(engine)).toEqual({ kind: "watch", pc: line[1], id: 1 });
    expect(order).toEqual(["call, 1 hit", "1 event"]);
  });

  test("when a call says so", () => {
    const { engine, line } = loop(5);
    engine.watch(1, { call: () => (engine.regs[RCX] === 2n ? "stop" : undefined) });
    expect(run(engine)).toEqual({ kind: "watch", pc: line[1], id: 1 });
    expect(engine.regs[RAX]).toBe(3n);
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(5n);
  });

  test("where a call sent the run", () => {
    const { engine, line } = loop(3);
    engine.watch(1, {
      call() {
        engine.regs[RIP] = line[4];
      },
      stop: true,
    });
    expect(run(engine)).toEqual({ kind: "watch", pc: line[4], id: 1 });
    expect(engine.regs[RIP]).toBe(line[4]);
    expect(run(engine).kind).toBe("until");
  });
});

describe("transfersOnly", () => {
  const LAND: Line[] = [
    ["ffe0", "jmp rax", MARK_INDIRECT],
    ["90", "nop"],
    ["90", "nop", W1 | MARK_BY_INDIRECT | MARK_BY_DIRECT],
    ["48ffc9", "dec rcx"],
    ["75fa", "jne -6", MARK_DIRECT],
    RET,
  ];

  test("serves only arrivals by a jump; events come always", () => {
    for (const [entry, rounds, arrivals] of [
      [0, 1n, 1], // by the indirect jump
      [0, 3n, 3], // and twice by the loop's
      [1, 1n, 0], // falling through
      [1, 3n, 2],
    ] as const) {
      const { engine, line } = rig(LAND);
      let calls = 0;
      const events = collect(engine);
      engine.watch(1, {
        transfersOnly: true,
        count: true,
        event: true,
        call() {
          calls++;
        },
      });
      engine.regs[RIP] = line[entry];
      engine.regs[RAX] = line[2];
      engine.regs[RCX] = rounds;
      expect(run(engine).kind).toBe("until");
      expect([engine.hits(1), calls, events.length]).toEqual([arrivals, arrivals, Number(rounds)]);
    }
  });

  test("neither a run that begins there nor one that goes on there has come by a jump", () => {
    const { engine, line } = rig(LAND);
    engine.watch(1, { transfersOnly: true, count: true });
    begin(engine, line[2]);
    run(engine, { budget: 1 });
    begin(engine, line[1]);
    run(engine, { budget: 1 });
    run(engine, { budget: 1 });
    expect(engine.hits(1)).toBe(0);
  });

  test("but one that was interrupted between the jump and its target has", () => {
    const { engine, line } = rig(LAND);
    engine.watch(1, { transfersOnly: true, count: true });
    engine.regs[RAX] = line[2];
    run(engine, { budget: 1 });
    run(engine, { budget: 1 });
    expect(engine.hits(1)).toBe(1);
  });
});

test("a fault on a watched instruction: it is served once, however often it is tried", () => {
  const { engine } = rig([["488b06", "mov rax, [rsi]", W1], RET]);
  engine.watch(1, { count: true });
  engine.regs[RSI] = 0x60000n;
  expect(run(engine).kind).toBe("fault");
  expect(run(engine).kind).toBe("fault");
  engine.map(0x60000n, 0x1000, RW);
  expect(run(engine).kind).toBe("until");
  expect(engine.hits(1)).toBe(1);
});

test("a watch on the first instruction of a run, and on one that is jumped to", () => {
  const { engine } = rig([
    ["48ffc9", "dec rcx", MARK_BY_DIRECT | W1],
    ["75fb", "jne -5", MARK_DIRECT],
    ["58", "pop rax", MARK_SP_UP],
    ["50", "push rax", MARK_PUSH],
    RET,
  ]);
  engine.watch(1, { count: true });
  engine.regs[RCX] = 4n;
  run(engine);
  expect(engine.hits(1)).toBe(4);
});

test("a watch on a rep string instruction is hit once", () => {
  const { engine } = rig([["f348ab", "rep stosq", W1], RET]);
  engine.watch(1, { count: true });
  engine.regs[RCX] = 50n;
  run(engine);
  expect(engine.hits(1)).toBe(1);
});

test("ids are 1 to 65535", () => {
  const { engine } = rig([["90", "nop", 0xffff << MARK_WATCH_SHIFT], RET]);
  engine.watch(0xffff, { count: true });
  run(engine);
  expect(engine.hits(0xffff)).toBe(1);
  expect(() => engine.watch(0, {})).toThrow(EngineError);
  expect(() => engine.watch(65536, {})).toThrow(EngineError);
});
