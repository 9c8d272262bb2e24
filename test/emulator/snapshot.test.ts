import { expect, test } from "vitest";
import {
  EngineError,
  MARK_BY_DIRECT,
  MARK_DIRECT,
  MARK_PUSH,
  MARK_RET,
  MARK_SP_UP,
  MARK_WATCH_SHIFT,
  RAX,
  RBX,
  RCX,
  RDI,
  RIP,
  RSP,
} from "../../emulator/engine.ts";
import { begin, DATA, eachEngine, type Line, peek, poke, RW, rig, run, STACK, TEXT, TOP } from "./rig.ts";

const WATCHED = 1 << MARK_WATCH_SHIFT;
const RET: Line = ["c3", "ret", MARK_RET];

/** Writes rcx, rcx - 1, ... 1 to [rdi], 4 KiB apart or wherever rsi says, and adds them up in rax. */
const WRITER: Line[] = [
  ["48890f", "mov [rdi], rcx", MARK_BY_DIRECT | WATCHED],
  ["4801c8", "add rax, rcx"],
  ["4801f7", "add rdi, rsi"],
  ["48ffc9", "dec rcx"],
  ["75f2", "jne -14", MARK_DIRECT],
  RET,
];

eachEngine("a snapshot%s", (_, options) => {
  const writer = () => {
    const machine = rig(WRITER, options);
    machine.engine.watch(1, { count: true });
    machine.engine.regs[RCX] = 4n;
    machine.engine.regs[6] = 0x1000n;
    return machine;
  };

  test("brings back memory, registers, icount and hits", () => {
    const { engine } = writer();
    engine.icount = 5;
    poke(engine, DATA, 77n);
    const snapshot = engine.snapshot();
    const regs = engine.regs.slice();
    const first = run(engine);
    const after = engine.regs.slice();
    expect(peek(engine, DATA)).toBe(4n);
    expect(engine.hits(1)).toBe(4);

    engine.restore(snapshot);
    expect(engine.regs).toEqual(regs);
    expect(engine.icount).toBe(5);
    expect(engine.hits(1)).toBe(0);
    expect([0n, 1n, 2n, 3n].map((i) => peek(engine, DATA + i * 0x1000n))).toEqual([77n, 0n, 0n, 0n]);

    expect(run(engine)).toEqual(first);
    expect(engine.regs).toEqual(after);
  });

  test("many restores from one snapshot give the same run", () => {
    const { engine } = writer();
    const snapshot = engine.snapshot();
    for (let i = 0; i < 200; i++) {
      expect(run(engine).kind).toBe("until");
      expect(engine.regs[RAX]).toBe(10n);
      poke(engine, DATA + BigInt(i * 8), 1n);
      engine.restore(snapshot);
      expect(peek(engine, DATA + BigInt(i * 8))).toBe(0n);
    }
  });

  test("several may be alive, and be restored in any order", () => {
    const { engine } = rig([["48890f", "mov [rdi], rcx"], RET], options);
    const pages = [0n, 1n, 2n, 3n].map((i) => DATA + i * 0x1000n);
    const states: { values: bigint[]; snapshot: ReturnType<typeof engine.snapshot> }[] = [];
    let seed = 1;
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >> 8) % n;
    };
    const values = [0n, 0n, 0n, 0n];
    const same = () => expect(pages.map((page) => peek(engine, page))).toEqual(values);
    for (let round = 0; round < 2000; round++) {
      switch (random(4)) {
        case 0:
          states.push({ values: [...values], snapshot: engine.snapshot() });
          break;
        case 1: {
          const state = states[random(states.length)];
          if (!state) break;
          engine.restore(state.snapshot);
          values.splice(0, 4, ...state.values);
          break;
        }
        case 2: {
          if (states.length < 8) break;
          const [state] = states.splice(random(states.length), 1);
          engine.drop(state.snapshot);
          break;
        }
        default: {
          const page = random(4);
          values[page] = BigInt(round);
          if (random(2)) {
            poke(engine, pages[page], values[page]);
          } else {
            begin(engine);
            engine.regs[RDI] = pages[page];
            engine.regs[RCX] = values[page];
            run(engine);
          }
        }
      }
      same();
    }
  });

  test("what the guest writes is found, wherever: beside, across and far apart", () => {
    const { engine } = writer();
    const far = 0x7000_0000_0000n;
    engine.map(far, 16 << 20, RW);
    const snapshot = engine.snapshot();
    for (const [rdi, step, count] of [
      [DATA, 8n, 100n],
      [DATA + 0xffcn, 0x1000n, 3n], // across pages
      [far, 0x10000n, 256n],
      [far + 0x1ffff8n, 0x200000n, 7n], // the ends of 2 MiB
      [TOP - 0x800n, 8n, 4n],
    ]) {
      engine.regs[RDI] = rdi;
      engine.regs[6] = step;
      engine.regs[RCX] = count;
      expect(run(engine).kind).toBe("until");
      for (let i = 0n; i < count; i++) expect(peek(engine, rdi + i * step)).toBe(count - i);
      engine.restore(snapshot);
      for (let i = 0n; i < count; i++) expect(peek(engine, rdi + i * step)).toBe(0n);
    }
  });

  test("after a restore the same page is found again", () => {
    const { engine } = writer();
    const snapshot = engine.snapshot();
    for (let i = 1n; i < 5n; i++) {
      engine.regs[RCX] = i;
      run(engine);
      const between = engine.snapshot();
      engine.restore(snapshot);
      expect(peek(engine, DATA)).toBe(0n);
      engine.restore(between);
      expect(peek(engine, DATA)).toBe(i);
      engine.drop(between);
      engine.restore(snapshot);
    }
  });

  test("stores of a traced run are found as well", () => {
    const { engine } = writer();
    const snapshot = engine.snapshot();
    run(engine, { trace: { steps() {}, accesses() {} } });
    expect(peek(engine, DATA + 0x3000n)).toBe(1n);
    engine.restore(snapshot);
    expect(peek(engine, DATA + 0x3000n)).toBe(0n);
  });

  test("control slots", () => {
    const { engine, line } = rig(
      [
        ["55", "push rbp", MARK_PUSH],
        ["90", "nop"],
        ["48890424", "mov [rsp], rax"],
        ["5d", "pop rbp", MARK_SP_UP],
        RET,
      ],
      options,
    );
    engine.guardStack(STACK, TOP);
    const empty = engine.snapshot();
    run(engine, { budget: 2 });
    const pushed = engine.snapshot();
    const stop = { kind: "stack", pc: line[2], addr: TOP - 16n, size: 8, why: "control-slot" };
    expect(run(engine)).toEqual(stop);
    run(engine);
    engine.restore(pushed);
    expect(run(engine)).toEqual(stop);
    engine.restore(empty);
    engine.regs[RIP] = line[2];
    engine.regs[RSP] -= 8n;
    expect(run(engine).kind).toBe("until");
  });

  test("a run stopped at a watch goes on from the snapshot as it did the first time", () => {
    const { engine, line } = writer();
    engine.watch(1, { count: true, stop: true });
    expect(run(engine).kind).toBe("watch");
    const snapshot = engine.snapshot();
    expect(run(engine)).toEqual({ kind: "watch", pc: line[0], id: 1 });
    const regs = engine.regs.slice();
    engine.restore(snapshot);
    expect(run(engine)).toEqual({ kind: "watch", pc: line[0], id: 1 });
    expect(engine.regs).toEqual(regs);
    expect(engine.hits(1)).toBe(2);
  });

  test("does not undo what was mapped, marked or watched later", () => {
    const { engine } = writer();
    const snapshot = engine.snapshot();
    engine.map(0x80000n, 0x1000, RW);
    poke(engine, 0x80000n, 3n);
    engine.watch(2, { count: true });
    engine.restore(snapshot);
    expect(peek(engine, 0x80000n)).toBe(3n);
    const later = engine.snapshot();
    poke(engine, 0x80000n, 4n);
    engine.restore(later);
    expect(peek(engine, 0x80000n)).toBe(3n);
    engine.restore(snapshot);
    expect(run(engine).kind).toBe("until");
  });

  test("costs what was touched", () => {
    const { engine } = writer();
    engine.map(0x7000_0000_0000n, 16 << 20, RW);
    engine.snapshot();
    expect(engine.snapshot().bytes).toBeLessThan(2_000);
    poke(engine, 0x7000_0000_0000n, 1n);
    const { bytes } = engine.snapshot();
    expect(bytes).toBeGreaterThan(4_096);
    expect(bytes).toBeLessThan(12_000);
  });

  test("is worthless when dropped, or for another engine", () => {
    const { engine } = writer();
    const { engine: other } = writer();
    const snapshot = engine.snapshot();
    expect(() => other.restore(snapshot)).toThrow(EngineError);
    engine.drop(snapshot);
    engine.drop(snapshot);
    expect(() => engine.restore(snapshot)).toThrow(new EngineError("restore: the snapshot has been dropped"));
  });

  test("writes of a callback are part of it", () => {
    const { engine } = writer();
    engine.watch(1, {
      call() {
        poke(engine, DATA + 0x2800n, engine.regs[RCX]);
        engine.regs[RBX]++;
      },
    });
    const snapshot = engine.snapshot();
    run(engine);
    expect([peek(engine, DATA + 0x2800n), engine.regs[RBX]]).toEqual([1n, 4n]);
    engine.restore(snapshot);
    expect([peek(engine, DATA + 0x2800n), engine.regs[RBX], engine.regs[RIP]]).toEqual([0n, 0n, TEXT]);
  });
});
