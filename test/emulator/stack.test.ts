import { expect, test } from "vitest";
import {
  type Engine,
  EngineError,
  MARK_BY_DIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_INSN,
  MARK_OWN_STORE,
  MARK_PUSH,
  MARK_RET,
  MARK_SP_UP,
  MARK_WATCH_SHIFT,
  RAX,
  RCX,
  RDI,
  RIP,
  RSP,
} from "../../emulator/engine.ts";
import { begin, DATA, eachEngine, type Line, peek, poke, RW, rig, run, STACK, TOP, UNTIL } from "./rig.ts";

const RET: Line = ["c3", "ret", MARK_RET];
const CALL = MARK_DIRECT | MARK_PUSH;
const PUSH_RBP: Line = ["55", "push rbp", MARK_PUSH];
const POP_RBP: Line = ["5d", "pop rbp", MARK_SP_UP];

eachEngine("a guarded stack%s", (_, options) => {
  function guarded(lines: Line[]) {
    const machine = rig(lines, options);
    machine.engine.guardStack(STACK, TOP);
    return machine;
  }

  test("a function with a frame, a call and saved registers breaks nothing", () => {
    const { engine } = guarded([
      PUSH_RBP,
      ["4889e5", "mov rbp, rsp"],
      ["4883ec20", "sub rsp, 32"],
      ["53", "push rbx", MARK_PUSH],
      ["488945f8", "mov [rbp-8], rax"],
      ["488945e0", "mov [rbp-32], rax"],
      ["e803000000", "call +3", CALL],
      ["5b", "pop rbx", MARK_SP_UP | MARK_BY_RET],
      ["c9", "leave", MARK_SP_UP],
      RET,
      ["55", "push rbp", MARK_PUSH | MARK_BY_DIRECT],
      ["4883ec10", "sub rsp, 16"],
      ["48890424", "mov [rsp], rax"],
      ["4883c410", "add rsp, 16", MARK_SP_UP],
      POP_RBP,
      RET,
    ]);
    for (let i = 0; i < 3; i++) {
      begin(engine);
      expect(run(engine).kind).toBe("until");
    }
  });

  test("a store below rsp: it has been done, and going on continues after it", () => {
    const { engine, line } = guarded([["48894424f8", "mov [rsp-8], rax"], ["48ffc0", "inc rax"], RET]);
    engine.regs[RAX] = 0x77n;
    const addr = TOP - 16n;
    expect(run(engine)).toEqual({ kind: "stack", pc: line[0], addr, size: 8, why: "below-rsp" });
    expect(peek(engine, addr)).toBe(0x77n);
    expect(engine.regs[RIP]).toBe(line[1]);
    expect(engine.icount).toBe(1);
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(0x78n);
  });

  test.each<[text: string, hex: string, offset: bigint, size: number]>([
    ["the last byte below rsp", "884424ff", -1n, 1],
    ["four bytes, far below", "89842400ffffff", -256n, 4],
    ["a store that begins below rsp and ends above", "48894424fc", -4n, 8],
  ])("%s", (text, hex, offset, size) => {
    const { engine, line } = guarded([[hex, text], RET]);
    const addr = TOP - 8n + offset;
    expect(run(engine)).toEqual({ kind: "stack", pc: line[0], addr, size, why: "below-rsp" });
  });

  test("in the last instruction before until", () => {
    const { engine, line } = guarded([
      ["90", "nop"],
      ["e8", "call until", CALL],
    ]);
    const displacement = Buffer.alloc(4);
    displacement.writeInt32LE(0x1000);
    engine.write(line[1] + 1n, displacement);
    const until = line[1] + 5n + 0x1000n;
    engine.mark(line[1], new Uint32Array([MARK_INSN | MARK_DIRECT]));
    const stop = { kind: "stack", pc: line[1], addr: TOP - 16n, size: 8, why: "below-rsp" };
    expect(run(engine, { until })).toEqual(stop);
    expect(engine.regs[RIP]).toBe(until);
    expect(run(engine, { until })).toEqual({ kind: "until", pc: until });
  });

  test("a store into a control slot, wherever its address comes from", () => {
    const { engine, line } = guarded([
      PUSH_RBP,
      ["4889e5", "mov rbp, rsp"],
      ["48894500", "mov [rbp], rax"], // the saved rbp
      POP_RBP,
      RET,
    ]);
    expect(run(engine)).toEqual({ kind: "stack", pc: line[2], addr: TOP - 16n, size: 8, why: "control-slot" });
    expect(run(engine).kind).toBe("until");
  });

  test.each<[hex: string, text: string, offset: bigint, size: number]>([
    ["c64507aa", "mov byte [rbp+7], 0xaa", 7n, 1],
    ["c64500aa", "mov byte [rbp], 0xaa", 0n, 1],
    ["c745040000 0000", "mov dword [rbp+4], 0", 4n, 4],
    ["488945f9", "mov [rbp-7], rax", -7n, 8],
    ["48894507", "mov [rbp+7], rax", 7n, 8],
    ["f0480fc14500", "lock xadd [rbp], rax", 0n, 8],
    ["0f114500", "movups [rbp], xmm0", 0n, 16],
  ])("any overlap counts: %s %s", (hex, text, offset, size) => {
    const { engine, line } = guarded([
      ["50", "push rax"], // without a mark: data
      PUSH_RBP,
      ["4889e5", "mov rbp, rsp"],
      ["4883ec20", "sub rsp, 32"],
      [hex, text],
      RET,
    ]);
    // an unmarked push stores below rsp
    expect(run(engine)).toMatchObject({ kind: "stack", why: "below-rsp", pc: line[0] });
    const stop = run(engine);
    expect(stop).toEqual({ kind: "stack", pc: line[4], addr: TOP - 24n + offset, size, why: "control-slot" });
  });

  test.each<[hex: string, text: string]>([
    ["488945f8", "mov [rbp-8], rax"],
    ["48894508", "mov [rbp+8], rax"],
  ])("a store beside the slot does not: %s %s", (hex, text) => {
    const { engine } = guarded([
      PUSH_RBP,
      ["4889e5", "mov rbp, rsp"],
      ["4883ec20", "sub rsp, 32"],
      [hex, text],
      ["c9", "leave", MARK_SP_UP],
      RET,
    ]);
    // [rbp+8] holds the return address that the host wrote: not a control slot
    poke(engine, TOP - 8n, UNTIL);
    engine.regs[RAX] = UNTIL;
    expect(run(engine).kind).toBe("until");
  });

  test("the return address of a call is a control slot", () => {
    const { engine, line } = guarded([
      ["e801000000", "call +1", CALL],
      ["c3", "ret", MARK_RET | MARK_BY_RET],
      ["48892c24", "mov [rsp], rbp", MARK_BY_DIRECT],
      RET,
    ]);
    expect(run(engine)).toEqual({ kind: "stack", pc: line[2], addr: TOP - 16n, size: 8, why: "control-slot" });
  });

  test("the JIT's own store may write one, but not below rsp", () => {
    const { engine, line } = guarded([
      PUSH_RBP,
      ["48890424", "mov [rsp], rax", MARK_OWN_STORE],
      ["48894424f8", "mov [rsp-8], rax", MARK_OWN_STORE],
      ["58", "pop rax", MARK_SP_UP],
      RET,
    ]);
    expect(run(engine)).toMatchObject({ kind: "stack", pc: line[2], why: "below-rsp" });
    expect(run(engine).kind).toBe("until");
  });

  test("slots die when rsp rises above them", () => {
    const { engine } = guarded([
      PUSH_RBP,
      ["53", "push rbx", MARK_PUSH],
      ["4883c410", "add rsp, 16", MARK_SP_UP],
      ["4883ec40", "sub rsp, 64"],
      ["4889442438", "mov [rsp+56], rax"], // where rbp was
      ["4889442430", "mov [rsp+48], rax"], // where rbx was
      ["4883c440", "add rsp, 64", MARK_SP_UP],
      RET,
    ]);
    expect(run(engine).kind).toBe("until");
  });

  test("and only at a marked instruction", () => {
    const { engine, line } = guarded([
      PUSH_RBP,
      ["4883c408", "add rsp, 8"],
      ["4883ec40", "sub rsp, 64"],
      ["4889442438", "mov [rsp+56], rax"],
      RET,
    ]);
    expect(run(engine)).toMatchObject({ kind: "stack", pc: line[3], why: "control-slot" });
  });

  test("a new push replaces what lay at its address and below", () => {
    const { engine } = guarded([
      PUSH_RBP,
      ["53", "push rbx", MARK_PUSH],
      ["4883c410", "add rsp, 16"], // unmarked: two stale slots
      PUSH_RBP, // over the first, so the second is gone as well
      ["4883ec40", "sub rsp, 64"],
      ["4889442438", "mov [rsp+56], rax"], // where rbx was
      ["4883c440", "add rsp, 64", MARK_SP_UP],
      POP_RBP,
      RET,
    ]);
    expect(run(engine).kind).toBe("until");
  });

  test("the first instruction of a run re-reads rsp: an abandoned call leaves nothing behind", () => {
    const { engine } = guarded([
      PUSH_RBP,
      ["53", "push rbx", MARK_PUSH],
      ["90", "nop"],
      ["4883ec40", "sub rsp, 64"],
      ["4889442438", "mov [rsp+56], rax"],
      ["4883c440", "add rsp, 64", MARK_SP_UP],
      RET,
    ]);
    run(engine, { budget: 3 });
    begin(engine, engine.regs[RIP]); // from `nop` on, with the stack empty
    expect(run(engine).kind).toBe("until");
  });

  test("a helper that returns for its caller takes the return address with it", () => {
    const { engine } = guarded([
      ["e80f000000", "call helper", CALL],
      ["4883ec10", "sub rsp, 16"],
      ["4889442408", "mov [rsp+8], rax"], // where the return address was
      ["4883c410", "add rsp, 16", MARK_SP_UP],
      RET,
      ["90", "nop"],
      ["0f0b", "helper: ud2", MARK_BY_DIRECT | (1 << MARK_WATCH_SHIFT)],
    ]);
    engine.watch(1, {
      call() {
        engine.regs[RIP] = peek(engine, engine.regs[RSP]);
        engine.regs[RSP] += 8n;
      },
    });
    expect(run(engine).kind).toBe("until");
  });

  test("stores elsewhere, and above rsp, are free; so are those of the host", () => {
    const { engine } = guarded([
      PUSH_RBP,
      ["48890f", "mov [rdi], rcx"],
      ["90", "nop", 1 << MARK_WATCH_SHIFT],
      POP_RBP,
      RET,
    ]);
    engine.watch(1, {
      call() {
        poke(engine, TOP - 16n, 5n);
        poke(engine, TOP - 256n, 5n);
      },
    });
    expect(run(engine).kind).toBe("until");
  });

  test("rep stosq that runs into a slot stops in the round that does", () => {
    const { engine, line } = guarded([
      PUSH_RBP,
      ["4883ec20", "sub rsp, 32"],
      ["4889e7", "mov rdi, rsp"],
      ["f348ab", "rep stosq"],
      ["4883c420", "add rsp, 32", MARK_SP_UP],
      POP_RBP,
      RET,
    ]);
    engine.regs[RCX] = 5n;
    expect(run(engine)).toEqual({ kind: "stack", pc: line[3], addr: TOP - 16n, size: 8, why: "control-slot" });
    expect(engine.regs[RDI]).toBe(TOP - 8n);
    expect(run(engine).kind).toBe("until");
  });

  test("a store and a push across two pages", () => {
    const { engine, line } = guarded([
      ["55", "push rbp", MARK_PUSH],
      ["48890424", "mov [rsp], rax"],
      ["4889e5", "mov rbp, rsp"],
      POP_RBP,
      RET,
    ]);
    engine.regs[RSP] = STACK + 0x1003n; // the slot is [0xffb, 0x1003)
    poke(engine, STACK + 0x1003n, UNTIL);
    const stop = { kind: "stack", pc: line[1], addr: STACK + 0xffbn, size: 8, why: "control-slot" };
    expect(run(engine)).toEqual(stop);
    expect(run(engine).kind).toBe("until");
  });

  test("several stacks: each keeps its slots while another task runs", () => {
    const { engine, line } = guarded([
      PUSH_RBP,
      ["90", "nop"],
      POP_RBP,
      RET,
      ["48890f", "mov [rdi], rcx"], // a task that writes into the first one's stack
      RET,
    ]);
    const other = STACK + 0x100000n;
    engine.map(other, 0x4000, RW);
    engine.guardStack(other, other + 0x4000n);
    run(engine, { budget: 2 });
    const first = engine.regs.slice();

    const second = (target: bigint) => {
      engine.regs[RIP] = line[4];
      engine.regs[RSP] = other + 0x3ff8n;
      engine.regs[RDI] = target;
      poke(engine, other + 0x3ff8n, UNTIL);
      return run(engine);
    };
    expect(second(TOP - 16n)).toMatchObject({ kind: "stack", why: "control-slot", addr: TOP - 16n });
    expect(second(TOP - 512n).kind).toBe("until"); // free, as far as can be known from here
    expect(second(other + 0x3000n)).toMatchObject({ kind: "stack", why: "below-rsp" });

    engine.regs.set(first);
    expect(run(engine).kind).toBe("until");
  });

  test("guarding again forgets the slots, as for a new task on an old stack", () => {
    const { engine } = guarded([PUSH_RBP, ["48890c24", "mov [rsp], rcx"], POP_RBP, RET]);
    run(engine, { budget: 1 });
    engine.guardStack(STACK, TOP);
    expect(run(engine).kind).toBe("until");
  });

  test("a stack may be guarded before it is mapped", () => {
    const { engine, line } = rig([["48894424f8", "mov [rsp-8], rax"], RET], options);
    engine.guardStack(0x70000n, 0x71000n);
    engine.map(0x70000n, 0x1000, RW);
    engine.regs[RSP] = 0x70800n;
    expect(run(engine)).toMatchObject({ kind: "stack", pc: line[0] });
  });
});

test("a stack below its own beginning is refused", () => {
  const { engine } = rig([RET]);
  expect(() => engine.guardStack(TOP, STACK)).toThrow(EngineError);
});

test("stores are free where no stack is guarded", () => {
  const { engine }: { engine: Engine } = rig([["48894424f8", "mov [rsp-8], rax"], RET]);
  engine.regs[RDI] = DATA;
  expect(run(engine).kind).toBe("until");
});
