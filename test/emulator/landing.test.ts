import { describe, expect, test } from "vitest";
import {
  MARK_BY_DIRECT,
  MARK_BY_INDIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_INDIRECT,
  MARK_INSN,
  MARK_PUSH,
  MARK_RET,
  RAX,
  RIP,
  RSP,
} from "../../emulator/engine.ts";
import { begin, DATA, type Line, load, makeEngine, poke, RW, RX, rig, run, TEXT, TOP, UNTIL } from "./rig.ts";

const RET: Line = ["c3", "ret", MARK_RET];

/** jmp rax, with rax at a line that is marked so. */
function jumpTo(target: number, kind = MARK_INDIRECT): ReturnType<typeof rig> {
  const machine = rig([["ffe0", "jmp rax", kind], ["90", "nop"], ["90", "nop", target], RET]);
  machine.engine.regs[RAX] = machine.line[2];
  return machine;
}

describe("a transfer lands where the marks allow it", () => {
  test.each([
    ["jmp rax", MARK_INDIRECT, MARK_BY_INDIRECT],
    ["marked as direct", MARK_DIRECT, MARK_BY_DIRECT],
    ["marked as ret", MARK_RET, MARK_BY_RET],
    ["to where several kinds may arrive", MARK_INDIRECT, MARK_BY_INDIRECT | MARK_BY_DIRECT],
  ])("%s", (_, kind, target) => {
    expect(run(jumpTo(target, kind).engine).kind).toBe("until");
  });

  test.each([
    ["indirect, to a direct jump's target", MARK_INDIRECT, MARK_BY_DIRECT],
    ["direct, to a return site", MARK_DIRECT, MARK_BY_RET],
    ["ret, to an indirect jump's target", MARK_RET, MARK_BY_INDIRECT],
    ["to an instruction with no BY_ mark", MARK_INDIRECT, 0],
  ])("and nowhere else: %s", (_, kind, target) => {
    const { engine, line } = jumpTo(target, kind);
    expect(run(engine)).toEqual({ kind: "landing", pc: line[2], from: line[0] });
    expect(engine.regs[RIP]).toBe(line[2]);
    expect(engine.icount).toBe(1);
  });

  test("not even the next instruction, when the jump is indirect", () => {
    const { engine, line } = jumpTo(0);
    engine.regs[RAX] = line[1];
    expect(run(engine)).toEqual({ kind: "landing", pc: line[1], from: line[0] });
  });

  test("nor the middle of an instruction", () => {
    const { engine, line } = rig([
      ["ffe0", "jmp rax", MARK_INDIRECT],
      ["48c7c001000000", "mov rax, 1", MARK_BY_INDIRECT],
      RET,
    ]);
    engine.regs[RAX] = line[1] + 1n; // c7c001000000: mov eax, 1
    expect(run(engine)).toEqual({ kind: "landing", pc: line[1] + 1n, from: line[0] });
  });

  test("call and ret", () => {
    const { engine, line } = rig([
      ["e801000000", "call +1", MARK_DIRECT | MARK_PUSH],
      RET, // and no BY_RET
      ["c3", "ret", MARK_RET | MARK_BY_DIRECT],
    ]);
    expect(run(engine)).toEqual({ kind: "landing", pc: line[1], from: line[2] });
  });
});

test("a conditional jump may fall through to where nothing may jump", () => {
  const { engine } = rig([["31c0", "xor eax, eax"], ["7501", "jne +1", MARK_DIRECT], ["90", "nop"], RET]);
  expect(run(engine).kind).toBe("until");
});

test("an instruction that has no transfer mark leads to the next one only", () => {
  const { engine, line } = rig([
    ["eb01", "jmp +1"],
    ["90", "nop"],
    ["c3", "ret", MARK_RET | MARK_BY_DIRECT],
  ]);
  expect(run(engine)).toEqual({ kind: "landing", pc: line[2], from: line[0] });
});

test("going on after a landing executes the instruction", () => {
  const { engine, line } = jumpTo(0);
  expect(run(engine).kind).toBe("landing");
  expect(run(engine, { budget: 1 })).toEqual({ kind: "budget", pc: line[3] });
  expect(run(engine).kind).toBe("until");
});

test("a run may begin anywhere", () => {
  const { engine, line } = rig([["90", "nop"], ["90", "nop"], RET]);
  engine.mark(line[1], new Uint32Array([0]));
  begin(engine, line[1]);
  expect(run(engine).kind).toBe("until");
});

test("falling through to a byte that is no instruction", () => {
  const { engine, line } = rig([["90", "nop"], ["90", "nop"], RET]);
  engine.mark(line[1], new Uint32Array([0]));
  expect(run(engine)).toEqual({ kind: "landing", pc: line[1], from: line[0] });
});

test("executable memory without marks", () => {
  const { engine, line } = rig([["ffe0", "jmp rax", MARK_INDIRECT]]);
  engine.map(0x400000n, 0x1000, RX);
  engine.regs[RAX] = 0x400010n;
  expect(run(engine)).toEqual({ kind: "landing", pc: 0x400010n, from: line[0] });
});

test("marks may change at any time, and the last ones count", () => {
  const { engine, line } = jumpTo(0);
  run(engine);
  engine.mark(line[2], new Uint32Array([MARK_INSN | MARK_BY_INDIRECT]));
  begin(engine);
  engine.regs[RAX] = line[2];
  expect(run(engine).kind).toBe("until");
});

test("several hundred marked ranges, some sharing a page, some across pages", () => {
  const engine = makeEngine();
  const ranges = 300;
  const base = (i: number) => TEXT + BigInt(i) * 0x7f3n; // 2035 bytes apart
  engine.map(TEXT, Number(((base(ranges) - TEXT) | 0xfffn) + 1n), RX);
  engine.map(DATA, 0x1000, RW);
  for (let i = 0; i < ranges; i++) {
    const next = base(i + 1) - (base(i) + 8n);
    const rel = Buffer.alloc(4);
    rel.writeInt32LE(Number(next));
    const jump: Line = i === ranges - 1 ? RET : [`e9${rel.toString("hex")}`, "jmp to the next range", MARK_DIRECT];
    load(engine, [["48ffc0", "inc rax", MARK_BY_DIRECT], jump], base(i));
  }
  engine.regs[RSP] = DATA + 0x100n;
  poke(engine, DATA + 0x100n, UNTIL);
  engine.regs[RIP] = TEXT;
  expect(run(engine).kind).toBe("until");
  expect(engine.regs[RAX]).toBe(BigInt(ranges));
});

test("retpoline: a ret to an address of the code's own", () => {
  const { engine } = rig([
    ["e807000000", "call +7", MARK_DIRECT | MARK_PUSH],
    ["f390", "pause", MARK_BY_RET | MARK_BY_DIRECT],
    ["0faee8", "lfence"],
    ["ebf9", "jmp -7", MARK_DIRECT],
    ["48890424", "mov [rsp], rax", MARK_BY_DIRECT],
    RET,
    ["c3", "ret", MARK_RET | MARK_BY_RET],
  ]);
  engine.regs[RAX] = TEXT + 17n;
  expect(run(engine).kind).toBe("until");
  expect(engine.regs[RSP]).toBe(TOP);
});
