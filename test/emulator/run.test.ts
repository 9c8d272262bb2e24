import { describe, expect, test } from "vitest";
import {
  EngineError,
  GS_BASE,
  MARK_BY_DIRECT,
  MARK_DIRECT,
  MARK_RET,
  R15,
  RAX,
  RBX,
  RCX,
  RFLAGS,
  RIP,
  RSI,
  RSP,
} from "../../emulator/engine.ts";
import { begin, DATA, type Line, load, makeEngine, peek, poke, RW, RX, rig, run, TEXT, TOP, UNTIL } from "./rig.ts";

const RET: Line = ["c3", "ret", MARK_RET];
const COUNT_DOWN: Line[] = [["48ffc9", "dec rcx", MARK_BY_DIRECT], ["75fb", "jne -5", MARK_DIRECT], RET];
const FOREVER: Line[] = [["ebfe", "jmp $", MARK_DIRECT | MARK_BY_DIRECT]];

describe("until", () => {
  test("a return to the unmapped address ends the run there", () => {
    const { engine } = rig([["48c7c02a000000", "mov rax, 42"], RET]);
    expect(run(engine)).toEqual({ kind: "until", pc: UNTIL });
    expect(engine.regs[RIP]).toBe(UNTIL);
    expect(engine.regs[RAX]).toBe(42n);
    expect(engine.regs[RSP]).toBe(TOP);
  });

  test("a run that begins there executes nothing", () => {
    const { engine } = rig([RET]);
    engine.regs[RIP] = UNTIL;
    expect(run(engine)).toEqual({ kind: "until", pc: UNTIL });
    expect(engine.icount).toBe(0);
  });

  test("it may differ from run to run, and must not be mapped", () => {
    const { engine } = rig([RET]);
    poke(engine, TOP - 8n, 0xbeef0000n);
    expect(run(engine, { until: 0xbeef0000n })).toEqual({ kind: "until", pc: 0xbeef0000n });
    begin(engine);
    expect(() => run(engine, { until: TEXT })).toThrow(EngineError);
  });
});

describe("budget", () => {
  test("is exact: instruction budget + 1 has not executed", () => {
    const { engine, line } = rig(COUNT_DOWN);
    for (let budget = 0; budget < 9; budget++) {
      begin(engine);
      engine.regs[RCX] = 100n;
      engine.icount = 0;
      expect(run(engine, { budget })).toEqual({ kind: "budget", pc: line[budget % 2] });
      expect(engine.icount).toBe(budget);
      expect(engine.regs[RCX]).toBe(100n - BigInt(Math.ceil(budget / 2)));
    }
  });

  test("just enough of it reaches until", () => {
    const { engine } = rig(COUNT_DOWN);
    engine.regs[RCX] = 5000n;
    expect(run(engine, { budget: 10_001 }).kind).toBe("until");
    expect(engine.icount).toBe(10_001);
  });

  test("stops in the middle of a block, and runs in pieces add up to the whole", () => {
    const nops: Line[] = Array.from({ length: 50 }, () => ["48ffc0", "inc rax"]);
    const { engine, line } = rig([...nops, RET]);
    expect(run(engine, { budget: 7 })).toEqual({ kind: "budget", pc: line[7] });
    expect(run(engine, { budget: 11 })).toEqual({ kind: "budget", pc: line[18] });
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(50n);
    expect(engine.icount).toBe(51);
  });

  test("ends an endless loop", () => {
    const { engine } = rig(FOREVER);
    expect(run(engine, { budget: 123_457 })).toEqual({ kind: "budget", pc: TEXT });
    expect(engine.icount).toBe(123_457);
  });

  test("a rep string instruction counts once, and nothing takes it for a jump", () => {
    const { engine, line } = rig([["f348ab", "rep stosq"], RET]);
    engine.regs[RCX] = 20n;
    engine.regs[RAX] = 7n;
    expect(run(engine, { budget: 1 })).toEqual({ kind: "budget", pc: line[1] });
    expect(peek(engine, DATA + 19n * 8n)).toBe(7n);
    expect(peek(engine, DATA + 20n * 8n)).toBe(0n);
    expect(run(engine).kind).toBe("until");
    expect(engine.icount).toBe(2);
  });

  test("that is no number of instructions is refused", () => {
    const { engine } = rig([RET]);
    expect(() => run(engine, { budget: -1 })).toThrow(EngineError);
    expect(() => run(engine, { budget: Number.NaN })).toThrow(EngineError);
    expect(run(engine, { budget: Number.POSITIVE_INFINITY }).kind).toBe("until");
  });
});

test("the stop flag ends a run, and is looked at again by the next", () => {
  const { engine } = rig(FOREVER);
  Atomics.store(engine.stopFlag, 0, 1);
  expect(run(engine, { budget: 1e9 })).toEqual({ kind: "stopped", pc: TEXT });
  expect(run(engine, { budget: 1e9 }).kind).toBe("stopped");
  Atomics.store(engine.stopFlag, 0, 0);
  expect(run(engine, { budget: 10 }).kind).toBe("budget");
});

test("it ends a rep string instruction as well, which then goes on", () => {
  const { engine, line } = rig([["f3ac", "rep lodsb"], RET]);
  engine.map(0x40000000n, 1 << 20, RW);
  engine.regs[RSI] = 0x40000000n;
  engine.regs[RCX] = 1n << 20n;
  Atomics.store(engine.stopFlag, 0, 1);
  engine.regs[RIP] = line[0];
  expect(run(engine)).toEqual({ kind: "stopped", pc: line[0] });
  Atomics.store(engine.stopFlag, 0, 0);
  expect(run(engine).kind).toBe("until");
  expect(engine.regs[RCX]).toBe(0n);
});

describe("icount", () => {
  test("goes on from what it was set to", () => {
    const { engine } = rig(COUNT_DOWN);
    engine.icount = 1_000_000;
    engine.regs[RCX] = 3n;
    run(engine);
    expect(engine.icount).toBe(1_000_007);
  });

  test("is a count", () => {
    const { engine } = rig([RET]);
    expect(() => {
      engine.icount = -1;
    }).toThrow(EngineError);
    expect(() => {
      engine.icount = 0.5;
    }).toThrow(EngineError);
  });
});

describe("registers", () => {
  test("all sixteen, rflags and gs base go in and come out", () => {
    const { engine } = rig([["f9", "stc"], RET]);
    for (let i = 0; i < 16; i++) if (i !== RSP) engine.regs[i] = 0x0101010101010101n * BigInt(i);
    engine.regs[RFLAGS] = 0x202n;
    engine.regs[GS_BASE] = 0xffff88813bc00000n;
    run(engine);
    for (let i = 0; i < 16; i++) if (i !== RSP) expect(engine.regs[i]).toBe(0x0101010101010101n * BigInt(i));
    expect(engine.regs[RFLAGS]).toBe(0x203n);
    expect(engine.regs[GS_BASE]).toBe(0xffff88813bc00000n);
  });

  test("nothing else is left over: flags and SSE registers start anew in each run", () => {
    const { engine, line } = rig([
      ["4839c0", "cmp rax, rax"],
      ["66480f6ec7", "movq xmm0, rdi"],
      RET,
      ["0f92c3", "setc bl"],
      ["66480f7ec0", "movq rax, xmm0"],
      RET,
    ]);
    expect(run(engine).kind).toBe("until");
    begin(engine, line[3]);
    engine.regs[RFLAGS] = 1n; // carry, where the first run left zero
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RBX]).toBe(1n);
    expect(engine.regs[RAX]).toBe(0n);
  });

  test("two CPUs take turns by swapping the register file", () => {
    const { engine } = rig(COUNT_DOWN);
    const cpus = [0, 1].map((cpu) => {
      begin(engine);
      engine.regs[RCX] = BigInt(10 * (cpu + 1));
      engine.regs[R15] = BigInt(cpu);
      return engine.regs.slice();
    });
    for (let turn = 0; turn < 12; turn++) {
      for (const cpu of cpus) {
        engine.regs.set(cpu);
        run(engine, { budget: 3 });
        cpu.set(engine.regs);
      }
    }
    expect(cpus.map((cpu) => [cpu[RIP], cpu[RCX], cpu[R15]])).toEqual([
      [UNTIL, 0n, 0n],
      [TEXT, 2n, 1n],
    ]);
  });
});

describe("addresses", () => {
  test.each([0x1000n, 0xff11000004e23000n, 0xffff888100000000n, 0xffffc90000000000n, 0xffffffff81000000n])(
    "code and data at %i",
    (base) => {
      const engine = makeEngine();
      engine.map(base, 0x2000, RX);
      engine.map(base + 0x10000n, 0x2000, RW);
      load(engine, [["48c70700010000", "mov qword [rdi], 256"], ["488b07", "mov rax, [rdi]"], RET], base);
      begin2(engine, base, base + 0x10000n);
      expect(run(engine).kind).toBe("until");
      expect(engine.regs[RAX]).toBe(256n);
    },
  );

  function begin2(engine: ReturnType<typeof makeEngine>, text: bigint, data: bigint): void {
    engine.regs[RIP] = text;
    engine.regs[RSP] = data + 0x1ff8n;
    engine.regs[7] = data;
    poke(engine, data + 0x1ff8n, UNTIL);
  }

  test("the last page below 2^64", () => {
    const { engine } = rig([["488b07", "mov rax, [rdi]"], RET]);
    engine.map(0xfffffffffffff000n, 0x1000, RX);
    load(engine, [["c3", "ret", MARK_RET]], 0xfffffffffffff000n);
    poke(engine, 0xfffffffffffffff8n, 77n);
    engine.regs[7] = 0xfffffffffffffff8n;
    run(engine);
    expect(engine.regs[RAX]).toBe(77n);
  });

  test("gs with a displacement whose sign extends, the sum wrapping around", () => {
    const { engine } = rig([["65480304 25188aa182", "add rax, gs:[0xffffffff82a18a18]"], RET]);
    const base = 0xff1100013bc00000n; // per-CPU area of a kernel with five-level page tables
    const addr = BigInt.asUintN(64, base + 0xffffffff82a18a18n);
    engine.map(addr & ~0xfffn, 0x1000, RW);
    poke(engine, addr, 41n);
    engine.regs[GS_BASE] = base;
    engine.regs[RAX] = 1n;
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(42n);
  });

  test("gs with a small displacement, as of current_task", () => {
    const { engine } = rig([["65488b0425 08000000", "mov rax, gs:[8]"], RET]);
    poke(engine, DATA + 8n, 99n);
    engine.regs[GS_BASE] = DATA;
    run(engine);
    expect(engine.regs[RAX]).toBe(99n);
  });
});
