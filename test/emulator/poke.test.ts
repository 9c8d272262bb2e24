import { expect, test } from "vitest";
import {
  type Engine,
  MARK_BY_DIRECT,
  MARK_DIRECT,
  MARK_INSN,
  MARK_RET,
  MARK_WATCH_SHIFT,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RAX,
  RBX,
  RCX,
  RSI,
} from "../../emulator/engine.ts";
import { begin, DATA, eachEngine, type Line, load, RW, RX, rig, run, TEXT } from "./rig.ts";

const WATCHED = 1 << MARK_WATCH_SHIFT;
const RET: Line = ["c3", "ret", MARK_RET];
const imm = (value: number) => Uint8Array.of(value, 0, 0, 0);

/** Code is translated once and then runs from the translation: what the host writes must be seen all the same. */
eachEngine("code that is rewritten%s", (_, options) => {
  /** rax counts up by a constant, rcx times; the constant is at line[1] + 3. */
  const LOOP: Line[] = [
    ["90", "nop", MARK_BY_DIRECT | WATCHED],
    ["480581000000", "add rax, 0x81"],
    ["48ffc9", "dec rcx"],
    ["75f4", "jne -12", MARK_DIRECT],
    RET,
  ];
  const loop = () => {
    const machine = rig(LOOP, options);
    machine.engine.regs[RCX] = 10n;
    return machine;
  };

  test("between runs", () => {
    const { engine, line } = loop();
    run(engine);
    expect(engine.regs[RAX]).toBe(0x81n * 10n);
    engine.write(line[1] + 2n, imm(2));
    begin(engine);
    engine.regs[RCX] = 10n;
    run(engine);
    expect(engine.regs[RAX]).toBe(20n);
  });

  test("from a callback, in the block that is executing", () => {
    const { engine, line } = loop();
    engine.watch(1, {
      call() {
        engine.write(line[1] + 2n, imm(Number(engine.regs[RCX])));
      },
    });
    run(engine);
    expect(engine.regs[RAX]).toBe(55n); // 10 + 9 + ... + 1
    expect(engine.icount).toBe(41);
  });

  test("the watched instruction itself", () => {
    const { engine } = rig([["90", "nop", WATCHED], ["90", "nop"], ["90", "nop"], RET], options);
    engine.watch(1, { count: true, call: () => engine.write(TEXT, Buffer.from("48ffc0", "hex")) }); // inc rax
    engine.mark(TEXT, Uint32Array.of(MARK_INSN | WATCHED, 0, 0));
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(1n);
    expect(engine.hits(1)).toBe(1);
    expect(engine.icount).toBe(2);
  });

  test("a loop of one block that jumps to itself", () => {
    const { engine, line } = rig([["ebfe", "jmp $", MARK_DIRECT | MARK_BY_DIRECT | WATCHED], RET], options);
    let rounds = 0;
    engine.watch(1, {
      call() {
        if (++rounds === 1000) engine.write(TEXT, Buffer.from("6690", "hex")); // nop
      },
    });
    expect(run(engine, { budget: 5000 }).kind).toBe("until");
    expect(rounds).toBe(1000);
    expect(line.length).toBe(2);
  });

  test("five-byte nop to jmp and back, as text_poke_bp does", () => {
    const { engine, line } = rig(
      [
        ["0f1f440000", "nop5"],
        ["48ffc0", "inc rax"],
        ["c3", "ret", MARK_RET | MARK_BY_DIRECT],
      ],
      options,
    );
    const nop = engine.read(TEXT, 5);
    const jump = Buffer.from("e903000000", "hex");
    engine.mark(TEXT, Uint32Array.of(MARK_INSN | MARK_DIRECT));
    for (const [code, rax] of [
      [nop, 1n],
      [jump, 0n],
      [nop, 1n],
      [jump, 0n],
    ] as const) {
      engine.write(TEXT, code);
      begin(engine);
      expect(run(engine).kind).toBe("until");
      expect(engine.regs[RAX]).toBe(rax);
    }
    expect(line.length).toBe(3);
  });

  test("across a page boundary", () => {
    const { engine } = rig([["90", "nop"]], options);
    engine.map(TEXT + 0x1000n, 0x1000, RX);
    load(engine, [["48c7c001000000", "mov rax, 1"], RET], TEXT + 0xffdn);
    for (const value of [1, 2, 3]) {
      engine.write(TEXT + 0x1000n, imm(value));
      begin(engine, TEXT + 0xffdn);
      run(engine);
      expect(engine.regs[RAX]).toBe(BigInt(value));
    }
  });

  test("while it was not executable", () => {
    const { engine } = rig([["b801000000", "mov eax, 1"], RET], options);
    run(engine);
    engine.protect(TEXT, 0x1000, RW);
    engine.write(TEXT + 1n, imm(2));
    engine.protect(TEXT, 0x1000, RX);
    begin(engine);
    run(engine);
    expect(engine.regs[RAX]).toBe(2n);
  });

  test("by the guest itself, into its next instruction", () => {
    const { engine } = rig([["c6460105", "mov byte [rsi+1], 5"], ["b801000000", "mov eax, 1"], RET], options);
    engine.protect(TEXT, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
    engine.regs[RSI] = TEXT + 4n;
    expect(run(engine).kind).toBe("until");
    expect(engine.regs[RAX]).toBe(5n);
  });

  test("by the guest in a plain run, then traced, and the other way round", () => {
    const { engine, line } = rig(
      [["b801000000", "mov eax, 1", MARK_BY_DIRECT], ["8306 01", "add dword [rsi], 1"], ["01c3", "add ebx, eax"], RET],
      options,
    );
    engine.protect(TEXT, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
    const trace = { steps() {}, accesses() {} };
    let sum = 0n;
    for (let i = 1n; i <= 6n; i++) {
      begin(engine);
      engine.regs[RSI] = line[0] + 1n;
      engine.regs[RBX] = sum;
      expect(run(engine, i % 2n ? {} : { trace }).kind).toBe("until");
      sum += i;
      expect(engine.regs[RBX]).toBe(sum);
    }
  });

  test("back by a snapshot", () => {
    const { engine } = rig([["b801000000", "mov eax, 1"], RET], options);
    const result = () => {
      begin(engine);
      run(engine);
      return engine.regs[RAX];
    };
    expect(result()).toBe(1n);
    const one = engine.snapshot();
    engine.write(TEXT + 1n, imm(2));
    expect(result()).toBe(2n);
    const two = engine.snapshot();
    engine.restore(one);
    expect(result()).toBe(1n);
    engine.restore(two);
    expect(result()).toBe(2n);
  });

  test("ten thousand times, at no growing cost", () => {
    const { engine } = rig([["b801000000", "mov eax, 1"], RET], options);
    for (let i = 0; i < 10_000; i++) {
      engine.write(TEXT + 1n, imm(i & 0x7f));
      begin(engine);
      run(engine);
      if (engine.regs[RAX] !== BigInt(i & 0x7f)) throw new Error(`round ${i}`);
    }
  });

  test("protections taken away by a callback hold for the instruction it was called on", () => {
    const machine: { engine: Engine; line: bigint[] } = rig(
      [["90", "nop"], ["48890f", "mov [rdi], rcx", WATCHED], RET],
      options,
    );
    const { engine, line } = machine;
    engine.watch(1, { call: () => engine.protect(DATA, 0x1000, PROT_READ) });
    expect(run(engine)).toMatchObject({ kind: "fault", pc: line[1], access: "write", mapped: true });
    expect(engine.icount).toBe(1);
    engine.watch(1, { call: () => engine.protect(TEXT, 0x1000, RW) });
    begin(engine);
    expect(run(engine)).toMatchObject({ kind: "fault", pc: line[1], access: "fetch", addr: line[1], mapped: true });
    expect(engine.icount).toBe(2);
  });
});
