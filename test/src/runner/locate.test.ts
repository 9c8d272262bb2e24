import { describe, expect, test } from "vitest";
import { RDI } from "../../../emulator/engine.ts";
import { culprit } from "../../../src/runner/culprit.ts";
import { locate } from "../../../src/runner/locate.ts";
import { enter, type Line, le } from "../../emulator/guest.ts";
import { Bench } from "../checks/rig.ts";

describe("an address in the words of a finding", () => {
  const bench = () => {
    const made = new Bench();
    const [main, sub] = made.load("r1 = 5\ncall sub\nexit\nsub:\nr0 = 7 ll\nr0 += r1\nexit");
    const at = (pc: bigint) => locate(made.machine, made.book, pc);
    return { made, main, sub, at };
  };

  test("in a prologue there is no BPF instruction yet", () => {
    const { main, at } = bench();
    expect(at(main.entry)).toEqual({ function: "main", offset: 0, asm: "endbr64" });
  });

  test("behind it: machine instruction, slot from the function's start, BPF text, line", () => {
    const { main, sub, at } = bench();
    const { body } = main.image;
    expect(at(main.image.address + BigInt(body))).toEqual({
      function: "main",
      offset: body,
      asm: "movl $0x5, %edi",
      insn: 0,
      bpf: "r1 = 5",
      line: 1,
    });
    const { image } = sub;
    expect(at(image.address + BigInt(image.body))).toMatchObject({
      function: "main#sub",
      insn: 0,
      bpf: "r0 = 7 ll",
      line: 5,
    });
    // the 16-byte instruction takes two slots
    expect(at(image.address + BigInt(image.ends[2]))).toMatchObject({ insn: 2, bpf: "r0 += r1", line: 6 });
  });

  test("the middle of an instruction is told as it would be executed", () => {
    const { main, at } = bench();
    expect(at(main.image.address + BigInt(main.image.body + 1))).toMatchObject({ function: "main", insn: 0 });
  });

  test("the kernel's text by its symbols, anything else as a number", () => {
    const { made, at } = bench();
    expect(at(made.machine.symbol("bpf_loop"))).toEqual({ function: "bpf_loop", offset: 0 });
    expect(at(0x1234n)).toEqual({ function: "0x1234", offset: 0 });
  });

  test("bytes are read from memory: what a poke wrote is told", () => {
    const made = new Bench();
    const [main] = made.load("r2 = jmp ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit");
    const { bypass, target } = main.image.pokes[0];
    const asm = (offset: number) => locate(made.machine, made.book, main.image.address + BigInt(offset)).asm;
    expect([asm(bypass!), asm(target)]).toEqual([expect.stringMatching(/^jmp /), expect.stringMatching(/^nop/)]);
    made.slot(0, "main");
    expect([asm(bypass!), asm(target)]).toEqual([expect.stringMatching(/^nop/), expect.stringMatching(/^jmp /)]);
  });
});

describe("who is to blame for what happens in a thunk", () => {
  const through = (symbol: string, registers: Record<number, bigint> = {}) => {
    const { machine } = new Bench();
    const thunk = machine.symbol(symbol);
    const bench = new Bench();
    const at = bench.machine.allocateCode(0);
    const lines: Line[] = [
      ["90", "nop"],
      [`e9${le(thunk - (at + 6n))}`, "jmp thunk"],
      ["c3", "ret"],
    ];
    expect(bench.machine.symbol(symbol)).toBe(thunk);
    const code = bench.code(lines, { name: "code" });
    const stop = enter(bench.machine, code, registers);
    return { bench, code, stop, thunk };
  };

  test("the jump into it", () => {
    const { bench, code, stop, thunk } = through("__x86_indirect_thunk_rdi", { [RDI]: 0x10n });
    expect(stop).toMatchObject({ kind: "fault", access: "fetch", from: thunk + 10n });
    expect(culprit(bench.machine, thunk + 10n)).toBe(code.line[1]);
  });

  test("nobody where no function jumps there", () => {
    const { bench } = through("__x86_indirect_thunk_rdi");
    const elsewhere = bench.machine.symbol("bpf_loop");
    expect(culprit(bench.machine, elsewhere)).toBe(elsewhere);
  });

  test("an instruction of a function is to blame itself", () => {
    const { bench, code } = through("__x86_indirect_thunk_rdi");
    expect(culprit(bench.machine, code.line[2])).toBe(code.line[2]);
  });

  test("before anything has run there is nobody else", () => {
    const { machine } = new Bench();
    const thunk = machine.symbol("__x86_indirect_thunk_rdi");
    expect(culprit(machine, thunk)).toBe(thunk);
  });
});
