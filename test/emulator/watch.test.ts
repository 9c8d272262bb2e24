import { describe, expect, test } from "vitest";
import {
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
  RIP,
  RSI,
  RSP,
} from "../../emulator/engine.ts";
import { begin, type Line, poke, RW, rig, run, TOP, UNTIL } from "./rig.ts";

import { collect, loop, RET, W1, W2 } from "./watched.ts";

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
