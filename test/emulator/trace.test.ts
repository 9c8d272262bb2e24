import { expect, test } from "vitest";
import {
  ACCESS_WORDS,
  type Engine,
  EVENT_ICOUNT,
  EVENT_WORDS,
  MARK_BY_DIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_PUSH,
  MARK_RET,
  MARK_SP_UP,
  MARK_WATCH_SHIFT,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RAX,
  RCX,
  RDI,
  RSI,
  STEP_WORDS,
  type Stop,
} from "../../emulator/engine.ts";
import { begin, DATA, eachEngine, type Line, peek, poke, rig, run, STACK, TEXT, TOP, UNTIL } from "./rig.ts";

interface Access {
  icount: bigint;
  pc: bigint;
  addr: bigint;
  size: number;
  write: boolean;
  before: bigint;
  after: bigint;
}

const RET: Line = ["c3", "ret", MARK_RET];

eachEngine("a traced run%s", (_, options) => {
  function traced(engine: Engine, budget?: number): { stop: Stop; steps: bigint[][]; accesses: Access[] } {
    const steps: bigint[][] = [];
    const accesses: Access[] = [];
    const stop = run(engine, {
      ...(budget === undefined ? {} : { budget }),
      trace: {
        steps(words, count) {
          for (let i = 0; i < count; i++) steps.push([...words.subarray(i * STEP_WORDS, (i + 1) * STEP_WORDS)]);
        },
        accesses(words, count) {
          for (let i = 0; i < count; i++) {
            const [icount, pc, addr, kind, before, after] = words.subarray(i * ACCESS_WORDS, (i + 1) * ACCESS_WORDS);
            const size = Number(kind & 0xffffffffn);
            accesses.push({ icount, pc, addr, size, write: kind >> 32n === 1n, before, after });
          }
        },
      },
    });
    return { stop, steps, accesses };
  }

  test("records every instruction with the state before it", () => {
    const { engine, line } = rig(
      [["b805000000", "mov eax, 5"], ["4883e805", "sub rax, 5"], ["90", "nop"], RET],
      options,
    );
    engine.tag = 9n;
    engine.icount = 100;
    const { stop, steps } = traced(engine);
    expect(stop.kind).toBe("until");
    expect(steps.map(([pc, icount, rflags, tag, rax]) => [pc, icount, rflags & 0x40n, tag, rax])).toEqual([
      [line[0], 100n, 0n, 9n, 0n],
      [line[1], 101n, 0n, 9n, 5n],
      [line[2], 102n, 0x40n, 9n, 0n],
      [line[3], 103n, 0x40n, 9n, 0n],
    ]);
    expect(steps[0].slice(4)).toEqual([0n, 0n, 0n, 0n, TOP - 8n, 0n, 0n, DATA, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]);
  });

  test("records every load and store, with the value before and after", () => {
    const { engine, line } = rig(
      [
        ["48c70707000000", "mov qword [rdi], 7"],
        ["8b4704", "mov eax, [rdi+4]"],
        ["66c747020900", "mov word [rdi+2], 9"],
        ["48830701", "add qword [rdi], 1"],
        ["c3", "ret", MARK_RET],
      ],
      options,
    );
    poke(engine, DATA, 0x1122334455667788n);
    const { accesses } = traced(engine);
    const at = (i: number) => ({ icount: BigInt(i), pc: line[i] });
    expect(accesses).toEqual([
      { ...at(0), addr: DATA, size: 8, write: true, before: 0x1122334455667788n, after: 7n },
      { ...at(1), addr: DATA + 4n, size: 4, write: false, before: 0n, after: 0n },
      { ...at(2), addr: DATA + 2n, size: 2, write: true, before: 0n, after: 9n },
      { ...at(3), addr: DATA, size: 8, write: false, before: 0x90007n, after: 0x90007n },
      { ...at(3), addr: DATA, size: 8, write: true, before: 0x90007n, after: 0x90008n },
      { ...at(4), addr: TOP - 8n, size: 8, write: false, before: UNTIL, after: UNTIL },
    ]);
  });

  test("wide accesses come in words, those across pages in one", () => {
    const { engine } = rig(
      [
        ["0f1007", "movups xmm0, [rdi]"],
        ["0f114710", "movups [rdi+16], xmm0"],
        ["488b87fd0f0000", "mov rax, [rdi+0xffd]"],
        ["488987fd0f0000", "mov [rdi+0xffd], rax"],
        ["31d2", "xor edx, edx"],
        ["31c0", "xor eax, eax"],
        ["f0480fc74f20", "lock cmpxchg16b [rdi+32]"],
        RET,
      ],
      options,
    );
    poke(engine, DATA, 1n);
    poke(engine, DATA + 8n, 2n);
    poke(engine, DATA + 0xffdn, 3n);
    const { accesses } = traced(engine);
    expect(accesses.map((a) => [a.icount, a.write ? "w" : "r", a.addr - DATA, a.size, a.after]).slice(0, -1)).toEqual([
      [0n, "r", 0n, 8, 1n],
      [0n, "r", 8n, 8, 2n],
      [1n, "w", 16n, 8, 1n],
      [1n, "w", 24n, 8, 2n],
      [2n, "r", 0xffdn, 8, 3n],
      [3n, "w", 0xffdn, 8, 3n],
      [6n, "r", 32n, 8, 0n],
      [6n, "r", 40n, 8, 0n],
      [6n, "w", 32n, 8, 0n],
      [6n, "w", 40n, 8, 0n],
    ]);
  });

  const BUSY: Line[] = [
    ["53", "push rbx", MARK_PUSH | MARK_BY_DIRECT | (1 << MARK_WATCH_SHIFT)],
    ["48890f", "mov [rdi], rcx"],
    ["488b1f", "mov rbx, [rdi]"],
    ["4801d8", "add rax, rbx"],
    ["e806000000", "call +6", MARK_DIRECT | MARK_PUSH],
    ["5b", "pop rbx", MARK_SP_UP | MARK_BY_RET],
    ["48ffc9", "dec rcx"],
    ["75eb", "jne -21", MARK_DIRECT],
    ["48314f08", "xor [rdi+8], rcx", MARK_BY_DIRECT],
    RET,
  ];
  // the loop's last round falls into the function, which then returns to until

  function busy() {
    const machine = rig(BUSY, options);
    machine.engine.guardStack(STACK, TOP);
    machine.engine.regs[RCX] = 2000n;
    return machine;
  }

  test("many chunks keep their order, and nothing is lost", () => {
    const { engine, line } = busy();
    engine.watch(1, { event: true });
    let events = 0;
    let steps = 0n;
    let last = -1n;
    let pushes = 0;
    engine.onEvents = (words, count) => {
      for (let i = 0; i < count; i++) {
        expect(words[i * EVENT_WORDS + EVENT_ICOUNT] % 10n).toBe(0n);
        events++;
      }
    };
    const stop = run(engine, {
      trace: {
        steps(words, count) {
          for (let i = 0; i < count; i++)
            if (words[i * STEP_WORDS + 1] !== steps++) throw new Error("a step is missing");
        },
        accesses(words, count) {
          for (let i = 0; i < count; i++) {
            const icount = words[i * ACCESS_WORDS];
            if (icount < last) throw new Error("accesses out of order");
            last = icount;
            if (words[i * ACCESS_WORDS + 1] === line[0]) pushes++;
          }
        },
      },
    });
    expect(stop.kind).toBe("until");
    expect([events, Number(steps), pushes]).toEqual([2000, engine.icount, 2000]);
  });

  test("changes nothing: same stop, registers, memory, count, events as a plain run", () => {
    const results = [false, true].map((trace) => {
      const { engine } = busy();
      const events: bigint[] = [];
      engine.watch(1, { event: true, count: true, limit: 1500 });
      engine.onEvents = (words, count) => events.push(...words.subarray(0, count * EVENT_WORDS));
      const stop = trace ? traced(engine).stop : run(engine);
      return { stop, regs: engine.regs.slice(), icount: engine.icount, stack: engine.read(STACK, 0x4000), events };
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[0].stop.kind).toBe("limit");
  });

  test("is exact to the instruction, as a plain one", () => {
    const { engine } = busy();
    const { stop, steps } = traced(engine, 7);
    expect(stop.kind).toBe("budget");
    expect(steps.length).toBe(7);
    expect(traced(engine, 3).steps.map((s) => s[1])).toEqual([7n, 8n, 9n]);
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe((2000n * 2001n) / 2n);
  });

  test("a plain run first, the same code traced after it, and back", () => {
    const { engine } = busy();
    const start = engine.snapshot();
    run(engine);
    const plain = engine.icount;
    engine.restore(start);
    expect(traced(engine).steps.length).toBe(plain);
    engine.restore(start);
    expect(run(engine).kind).toBe("until");
    expect(engine.icount).toBe(plain);
  });

  test("an access that faults is not recorded, its instruction is", () => {
    const { engine, line } = rig([["488b07", "mov rax, [rdi]"], ["488907", "mov [rdi], rax"], RET], options);
    engine.protect(DATA, 0x4000, PROT_READ);
    const { stop, steps, accesses } = traced(engine);
    expect(stop).toEqual({ kind: "fault", pc: line[1], access: "write", addr: DATA, size: 8, mapped: true });
    expect(steps.map((s) => s[0])).toEqual([line[0], line[1]]);
    expect(accesses.map((a) => a.write)).toEqual([false]);
  });

  test("a load across pages that faults says where it began", () => {
    const { engine, line } = rig([["488b07", "mov rax, [rdi]"], RET], options);
    engine.regs[RDI] = DATA + 0x3ffbn;
    expect(traced(engine).stop).toEqual({
      kind: "fault",
      pc: line[0],
      access: "read",
      addr: DATA + 0x3ffbn,
      size: 8,
      mapped: false,
    });
  });

  test("a rep string instruction is one step with many accesses", () => {
    const { engine } = rig([["f348ab", "rep stosq"], RET], options);
    engine.regs[RCX] = 300n;
    const { steps, accesses } = traced(engine);
    expect(steps.length).toBe(2);
    expect(accesses.length).toBe(301);
    expect(accesses[299]).toMatchObject({ icount: 0n, addr: DATA + 299n * 8n });
  });

  test("an exception from a callback ends it, and comes out of run()", () => {
    for (const which of ["steps", "accesses"] as const) {
      const { engine } = busy();
      const trace = { steps() {}, accesses() {} };
      trace[which] = () => {
        throw new Error(which);
      };
      expect(() => run(engine, { trace })).toThrow(which);
      expect(engine.regs[RCX]).toBeGreaterThan(0n);
      expect(run(engine).kind).toBe("until");
      expect(engine.regs[RAX]).toBe((2000n * 2001n) / 2n);
    }
  });

  test("callbacks may read and write memory", () => {
    const { engine } = busy();
    let seen = 0n;
    run(engine, {
      trace: {
        steps() {
          seen = peek(engine, DATA);
          poke(engine, DATA + 64n, 5n);
        },
        accesses() {},
      },
    });
    expect(seen).toBeLessThan(2000n);
    expect(peek(engine, DATA + 64n)).toBe(5n);
  });

  test("code that rewrites its next instruction: the store is one step and one access", () => {
    const { engine, line } = rig([["c6460105", "mov byte [rsi+1], 5"], ["b801000000", "mov eax, 1"], RET], options);
    engine.protect(TEXT, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
    engine.regs[RSI] = line[1];
    for (let i = 0; i < 2; i++) {
      const { steps, accesses } = traced(engine);
      expect(steps.map((step) => step[0])).toEqual(line);
      expect(accesses.map((a) => [a.icount % 3n, a.addr, a.write])).toEqual([
        [0n, line[1] + 1n, true],
        [2n, TOP - 8n, false],
      ]);
      expect(engine.regs[RAX]).toBe(5n);
      engine.write(line[1], Buffer.from("b801000000", "hex"));
      begin(engine);
      engine.regs[RSI] = line[1];
    }
  });
});
