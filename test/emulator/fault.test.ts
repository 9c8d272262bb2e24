import { describe, expect, test } from "vitest";
import {
  MARK_DIRECT,
  MARK_INDIRECT,
  MARK_PUSH,
  MARK_RET,
  PROT_EXEC,
  PROT_READ,
  R8,
  R9,
  RAX,
  RBX,
  RCX,
  RDI,
  RDX,
  RFLAGS,
  RIP,
  RSI,
  RSP,
} from "../../emulator/engine.ts";
import { begin, DATA, eachEngine, type Line, load, peek, poke, RW, RX, rig, run, STACK, TEXT, TOP } from "./rig.ts";

const RET: Line = ["c3", "ret", MARK_RET];
const NOWHERE = 0x5000n;
const CARRY = 1n;
const ZERO = 0x40n;

eachEngine("a refused access%s", (_, options) => {
  /** The instruction in the middle of a block, with the carry flag set and rax counted up before it. */
  function attempt(
    hex: string,
    text: string,
    rdi: bigint,
    before?: (engine: ReturnType<typeof rig>["engine"]) => void,
  ) {
    const machine = rig([["48ffc0", "inc rax"], ["f9", "stc"], [hex, text], ["48ffc0", "inc rax"], RET], options);
    const { engine } = machine;
    engine.map(0x60000n, 0x2000, RW);
    engine.protect(0x61000n, 0x1000, PROT_READ);
    engine.regs[RDI] = rdi;
    engine.regs[RCX] = 3n;
    engine.regs[RDX] = 0x0202020202020202n;
    engine.regs[RSI] = DATA;
    before?.(engine);
    const start = engine.regs.slice();
    const stop = run(engine);
    return { ...machine, start, stop };
  }

  test.each<[hex: string, text: string, access: "read" | "write", size: number]>([
    ["488b07", "mov rax, [rdi]", "read", 8],
    ["0fb617", "movzx edx, byte [rdi]", "read", 1],
    ["668b17", "mov dx, [rdi]", "read", 2],
    ["48890f", "mov [rdi], rcx", "write", 8],
    ["880f", "mov [rdi], cl", "write", 1],
    ["890f", "mov [rdi], ecx", "write", 4],
    ["48010f", "add [rdi], rcx", "read", 8],
    ["f048010f", "lock add [rdi], rcx", "read", 8],
    ["f0480fc10f", "lock xadd [rdi], rcx", "read", 8],
    ["48870f", "xchg [rdi], rcx", "read", 8],
    ["f0480fb10f", "lock cmpxchg [rdi], rcx", "read", 8],
    ["0f1107", "movups [rdi], xmm0", "write", 8],
    ["0f1007", "movups xmm0, [rdi]", "read", 8],
    ["ff37", "push [rdi]", "read", 8],
    ["8f07", "pop [rdi]", "write", 8],
    ["a4", "movsb", "write", 1],
    ["f3a4", "rep movsb", "write", 1],
    ["f348ab", "rep stosq", "write", 8],
    ["ff17", "call [rdi]", "read", 8],
    ["480f440f", "cmovz rcx, [rdi]", "read", 8],
    ["48d127", "shl qword [rdi], 1", "read", 8],
    ["481317", "adc rdx, [rdi]", "read", 8],
    ["480fbc17", "bsf rdx, [rdi]", "read", 8],
    ["48f737", "div qword [rdi]", "read", 8],
  ])("unmapped: %s %s", (hex, text, access, size) => {
    const { engine, line, start, stop } = attempt(hex, text, NOWHERE);
    expect(stop).toEqual({ kind: "fault", pc: line[2], access, addr: NOWHERE, size, mapped: false });
    // registers and flags as before the instruction
    start[RAX] = 1n;
    start[RIP] = line[2];
    start[RFLAGS] = 2n | CARRY;
    expect(engine.regs).toEqual(start);
    expect(engine.icount).toBe(2);
  });

  test.each<[hex: string, text: string, size: number]>([
    ["48890f", "mov [rdi], rcx", 8],
    ["f048010f", "lock add [rdi], rcx", 8],
    ["48870f", "xchg [rdi], rcx", 8],
    ["f0480fb10f", "lock cmpxchg [rdi], rcx", 8],
    ["f0480fc70f", "lock cmpxchg16b [rdi]", 16],
    ["0f1107", "movups [rdi], xmm0", 8],
    ["480fc70f", "cmpxchg16b [rdi]", 16],
  ])("mapped, but not writable: %s %s", (hex, text, size) => {
    const { engine, line, start, stop } = attempt(hex, text, 0x61010n);
    expect(stop).toEqual({ kind: "fault", pc: line[2], access: "write", addr: 0x61010n, size, mapped: true });
    start[RAX] = 1n;
    start[RIP] = line[2];
    start[RFLAGS] = 2n | CARRY;
    expect(engine.regs).toEqual(start);
    expect(engine.read(0x61000n, 0x1000)).toEqual(new Uint8Array(0x1000));
  });

  test.each<[hex: string, text: string, at: bigint, access: "read" | "write", size: number]>([
    ["48890f", "mov [rdi], rcx", 0x60ffdn, "write", 8],
    ["66890f", "mov [rdi], cx", 0x60fffn, "write", 2],
    ["0f1107", "movups [rdi], xmm0", 0x60ffcn, "write", 8],
    ["48010f", "add [rdi], rcx", 0x60ff9n, "write", 8],
  ])("half of a store lies in a page that is not writable: %s %s at %i", (hex, text, at, access, size) => {
    const { engine, line, stop } = attempt(hex, text, at, (e) => e.write(0x60ff0n, new Uint8Array(32).fill(0xaa)));
    expect(stop).toEqual({ kind: "fault", pc: line[2], access, addr: at, size, mapped: true });
    // and nothing of it has been stored
    expect(engine.read(0x60ff0n, 32)).toEqual(new Uint8Array(32).fill(0xaa));
  });

  test.each<[hex: string, text: string, at: bigint, size: number]>([
    ["488b17", "mov rdx, [rdi]", 0x61ffdn, 8],
    ["668b17", "mov dx, [rdi]", 0x61fffn, 2],
    ["48010f", "add [rdi], rcx", 0x61ff9n, 8],
    ["488b17", "mov rdx, [rdi] (from the boundary on)", 0x62000n, 8],
  ])("half of a load lies in a page that is not mapped: %s %s at %i", (hex, text, at, size) => {
    const { line, stop } = attempt(hex, text, at);
    expect(stop).toEqual({ kind: "fault", pc: line[2], access: "read", addr: at, size, mapped: false });
  });

  test("the second round of a rep string instruction: the first has been done", () => {
    const { engine, line, stop } = attempt("f348ab", "rep stosq", 0x60ff8n);
    expect(stop).toEqual({ kind: "fault", pc: line[2], access: "write", addr: 0x61000n, size: 8, mapped: true });
    expect(engine.regs[RCX]).toBe(2n);
    expect(engine.regs[RDI]).toBe(0x61000n);
    expect(peek(engine, 0x60ff8n)).toBe(1n);
  });

  test("a push below the stack", () => {
    const { engine, line } = rig([["48ffc0", "inc rax"], ["50", "push rax", MARK_PUSH], RET], options);
    engine.regs[RSP] = STACK;
    expect(run(engine)).toEqual({
      kind: "fault",
      pc: line[1],
      access: "write",
      addr: STACK - 8n,
      size: 8,
      mapped: false,
    });
    expect(engine.regs[RSP]).toBe(STACK);
  });

  test("the caller fixes it up and the run goes on, as an exception table does", () => {
    const { engine, line } = attempt("488b17", "mov rdx, [rdi]", NOWHERE);
    engine.regs[RDX] = 0n;
    engine.regs[RIP] = line[3];
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(2n);
    expect(engine.regs[RFLAGS] & CARRY).toBe(CARRY); // inc leaves it alone
  });

  test("gs-relative, in the middle of a block", () => {
    const { line, stop } = attempt("65488b142510000000", "mov rdx, gs:[0x10]", 0n);
    expect(stop).toEqual({ kind: "fault", pc: line[2], access: "read", addr: 0x10n, size: 8, mapped: false });
  });

  test("flags of every kind of arithmetic survive it", () => {
    for (const [hex, text, flags] of [
      ["4839c0", "cmp rax, rax", ZERO],
      ["48c7c0ffffffff 4883c001", "add rax, 1", ZERO | CARRY],
      ["48c7c001000000 48d1e8", "shr rax, 1", ZERO | CARRY],
      ["48c7c001000000 4883e801", "sub rax, 1", ZERO],
    ] as const) {
      const { engine } = rig([[hex, text], ["488b16", "mov rdx, [rsi]"], RET], options);
      engine.mark(TEXT, new Uint32Array(hex.replace(" ", "").length / 2).fill(1));
      expect(run(engine).kind).toBe("fault");
      expect([text, engine.regs[RFLAGS] & (ZERO | CARRY)]).toEqual([text, flags]);
    }
  });
});

describe("fetch", () => {
  test.each([
    ["unmapped", 0x6000n, false],
    ["not executable", DATA, true],
  ])("%s", (_, target, mapped) => {
    const { engine, line } = rig([
      ["90", "nop"],
      ["ffe0", "jmp rax", MARK_INDIRECT],
    ]);
    engine.regs[RAX] = target;
    const from = line[1];
    expect(run(engine)).toEqual({ kind: "fault", pc: target, access: "fetch", addr: target, size: 0, mapped, from });
    expect(engine.regs[RIP]).toBe(target);
    expect(engine.icount).toBe(line.length);
  });

  test("a return through a null pointer", () => {
    const { engine } = rig([RET]);
    poke(engine, TOP - 8n, 0n);
    expect(run(engine)).toMatchObject({ kind: "fault", pc: 0n, access: "fetch", mapped: false });
  });

  /** Lines that end where the page of code ends. */
  function atTheEnd(lines: Line[]) {
    const machine = rig([["90", "nop"]]);
    const size = lines.reduce((sum, [hex]) => sum + hex.length / 2, 0);
    const line = load(machine.engine, lines, TEXT + 0x1000n - BigInt(size));
    begin(machine.engine, line[0]);
    return { engine: machine.engine, line };
  }

  test("running off the end of a page executes all that is there first", () => {
    const { engine } = atTheEnd([
      ["48ffc0", "inc rax"],
      ["48ffc0", "inc rax"],
      ["90", "nop"],
    ]);
    expect(run(engine)).toMatchObject({ kind: "fault", pc: TEXT + 0x1000n, access: "fetch", addr: TEXT + 0x1000n });
    expect(engine.regs[RAX]).toBe(2n);
    expect(engine.icount).toBe(3);
  });

  test("an instruction that continues in a page that cannot be fetched", () => {
    const { engine, line } = atTheEnd([
      ["48ffc0", "inc rax"],
      ["48ffc0", "inc rax"],
      ["48c7", "mov rax, imm32, cut off"],
    ]);
    const stop = run(engine);
    expect(stop).toMatchObject({ kind: "fault", pc: line[2], access: "fetch", addr: TEXT + 0x1000n, mapped: false });
    expect(engine.regs[RAX]).toBe(2n);
    expect(engine.icount).toBe(2);
  });

  test("the same at once", () => {
    const { engine, line } = atTheEnd([["48c7", "mov rax, imm32, cut off"]]);
    expect(run(engine)).toMatchObject({ kind: "fault", pc: line[0], addr: TEXT + 0x1000n });
  });

  test("code across two pages runs", () => {
    const { engine, line } = atTheEnd([["48c7", "mov rax, imm32"]]);
    engine.map(TEXT + 0x1000n, 0x1000, RX);
    engine.write(TEXT + 0x1000n, Buffer.from("c02a000000" + "c3", "hex"));
    engine.mark(TEXT + 0x1005n, new Uint32Array([1 | MARK_RET]));
    begin(engine, line[0]);
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(42n);
  });

  test("memory that may be executed only can be executed", () => {
    const { engine } = rig([["b807000000", "mov eax, 7"], RET]);
    engine.protect(TEXT, 0x1000, PROT_EXEC);
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(7n);
  });
});

describe("exceptions", () => {
  test.each<[text: string, hex: string, vector: number]>([
    ["int3", "cc", 3],
    ["ud2", "0f0b", 6],
    ["an invalid instruction (push es)", "06", 6],
    ["div by zero", "48f7f1", 0],
    ["idiv that overflows", "f7fb", 0],
    ["hlt, as nothing would wake the CPU", "f4", 13],
  ])("%s", (text, hex, vector) => {
    const { engine, line } = rig([["48ffc0", "inc rax"], ["f9", "stc"], [hex, text], ["90", "nop"], RET]);
    engine.regs[RDX] = 0x7fffffffn;
    engine.regs[RBX] = 1n;
    engine.regs[R8] = 8n;
    engine.regs[R9] = 9n;
    const start = engine.regs.slice();
    expect(run(engine)).toEqual({ kind: "exception", pc: line[2], vector });
    start[RAX] = 1n;
    start[RIP] = line[2];
    start[RFLAGS] = 2n | CARRY;
    expect(engine.regs).toEqual(start);
    expect(engine.icount).toBe(2);
    // skipped, the run goes on
    engine.regs[RIP] = line[3];
    expect(run(engine).kind).toBe("until");
  });

  test("single step: a trap, so the instruction has executed and pc is the next", () => {
    const { engine, line } = rig([["48ffc0", "inc rax"], RET]);
    engine.regs[RFLAGS] = 0x102n; // TF
    expect(run(engine)).toEqual({ kind: "exception", pc: line[1], vector: 1 });
    expect([engine.regs[RAX], engine.icount]).toEqual([1n, 1]);
  });

  test("bytes after a jump are no exception until they execute", () => {
    const { engine } = rig([
      ["eb02", "jmp +2", MARK_DIRECT],
      ["0f0b", "ud2"],
      ["c3", "ret", MARK_RET | 2],
    ]);
    expect(run(engine).kind).toBe("until");
  });
});
