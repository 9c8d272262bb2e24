import { describe, expect, it } from "vitest";
import { FLOW_CALL, FLOW_DIRECT, FLOW_INDIRECT, FLOW_RET, STACK_PUSH, STACK_UP } from "../../../../bpf/image.ts";
import { Code } from "../../../../jit/x86/code.ts";
import * as control from "../../../../jit/x86/encode/control.ts";
import { decodeAll } from "./decoded.ts";
import { INT8, INT32, oneOf, REGISTER, reg, rexBytes, signed } from "./operands.ts";
import { EncoderSpecs } from "./spec.ts";

const specs = new EncoderSpecs(control);
const spec = specs.spec.bind(specs);

const CONDITION = oneOf(
  ["jb", control.JB],
  ["jae", control.JAE],
  ["je", control.JE],
  ["jne", control.JNE],
  ["jbe", control.JBE],
  ["ja", control.JA],
  ["jl", control.JL],
  ["jge", control.JGE],
  ["jle", control.JLE],
  ["jg", control.JG],
);

describe("encode/control: iced-x86 reads what was asked for", () => {
  spec(control.push, "stores below rsp", [REGISTER], (n) => ({
    emit: (c) => control.push(c, n),
    text: `push ${reg(n)}`,
    bytes: 1 + rexBytes(false, n),
    flags: STACK_PUSH,
  }));
  spec(control.pop, "raises rsp", [REGISTER], (n) => ({
    emit: (c) => control.pop(c, n),
    text: `pop ${reg(n)}`,
    bytes: 1 + rexBytes(false, n),
    flags: STACK_UP,
  }));
  spec(control.pushImm8, "64 bits; stores below rsp", [INT8], (imm) => ({
    emit: (c) => control.pushImm8(c, imm),
    text: `push ${imm}`,
    bytes: 2,
    flags: STACK_PUSH,
  }));
  spec(control.leave, "raises rsp", [], () => ({ emit: control.leave, text: "leave", bytes: 1, flags: STACK_UP }));
  spec(control.ret, "raises rsp", [], () => ({
    emit: control.ret,
    text: "ret",
    bytes: 1,
    flags: FLOW_RET | STACK_UP,
  }));
  spec(control.subRsp, "four bytes of immediate, whatever the value", [INT32], (bytes) => ({
    emit: (c) => control.subRsp(c, bytes),
    text: `sub rsp, ${bytes}`,
    bytes: 7,
  }));
  spec(control.addRsp, "likewise; raises rsp", [INT32], (bytes) => ({
    emit: (c) => control.addRsp(c, bytes),
    text: `add rsp, ${bytes}`,
    bytes: 7,
    flags: STACK_UP,
  }));
  spec(control.jumpByRet, "an indirect jump", [], () => ({
    emit: control.jumpByRet,
    text: "ret",
    bytes: 1,
    flags: FLOW_INDIRECT | STACK_UP,
  }));
  spec(control.ud2, "two bytes", [], () => ({ emit: control.ud2, text: "ud2", bytes: 2 }));
  spec(control.pause, "two bytes", [], () => ({ emit: control.pause, text: "pause", bytes: 2 }));
  spec(control.branchHistoryFence, "a nop to whoever doesn't know it", [], () => ({
    emit: control.branchHistoryFence,
    text: "nop rax, rdi",
    bytes: 5,
  }));
  spec(control.int3, "one byte", [], () => ({ emit: control.int3, text: "int3", bytes: 1 }));
  spec(control.endbr64, "four bytes", [], () => ({ emit: control.endbr64, text: "endbr64", bytes: 4 }));
  spec(control.lfence, "three bytes", [], () => ({ emit: control.lfence, text: "lfence", bytes: 3 }));

  spec(control.call, "from its end", [INT32], (rel) => ({
    emit: (c) => control.call(c, rel),
    text: `call ${signed(rel)}`,
    bytes: 5,
    flags: FLOW_DIRECT | FLOW_CALL | STACK_PUSH,
  }));
  spec(control.callReg, "64 bits", [REGISTER], (n) => ({
    emit: (c) => control.callReg(c, n),
    text: `call ${reg(n)}`,
    bytes: 2 + rexBytes(false, n),
    flags: FLOW_INDIRECT | FLOW_CALL | STACK_PUSH,
  }));
  spec(control.jmp32, "from its end", [INT32], (rel) => ({
    emit: (c) => control.jmp32(c, rel),
    text: `jmp ${signed(rel)}`,
    bytes: 5,
    flags: FLOW_DIRECT,
  }));
  spec(control.jmp8, "from its end", [INT8], (rel) => ({
    emit: (c) => control.jmp8(c, rel),
    text: `jmp ${signed(rel)}`,
    bytes: 2,
    flags: FLOW_DIRECT,
  }));
  spec(control.jmpReg, "64 bits", [REGISTER], (n) => ({
    emit: (c) => control.jmpReg(c, n),
    text: `jmp ${reg(n)}`,
    bytes: 2 + rexBytes(false, n),
    flags: FLOW_INDIRECT,
  }));
  spec(control.jcc8, "from its end", [CONDITION, INT8], ([name, cond], rel) => ({
    emit: (c) => control.jcc8(c, cond, rel),
    text: `${name} ${signed(rel)}`,
    bytes: 2,
    flags: FLOW_DIRECT,
  }));
  spec(control.jcc32, "from its end", [CONDITION, INT32], ([name, cond], rel) => ({
    emit: (c) => control.jcc32(c, cond, rel),
    text: `${name} ${signed(rel)}`,
    bytes: 6,
    flags: FLOW_DIRECT,
  }));
});

describe("encode/control: jumps whose target comes later", () => {
  /** je over `filler` bytes, short or long */
  const over = (filler: number, short: boolean): string[] => {
    const c = new Code();
    c.restart(true);
    if (!short) control.jcc32(c, control.JE, 0);
    const from = short ? control.jccForward(c, control.JE) : c.pos;
    for (let i = 0; i < filler; i++) control.int3(c);
    if (short) control.land(c, from);
    else control.land32(c, from);
    return decodeAll(c.bytes.slice(0, c.pos)).map(({ text }) => text);
  };

  specs.holds(control.jccForward, "lands where land() is called", () => {
    for (const filler of [0, 1, 126, 127]) expect(over(filler, true)[0]).toBe(`je +${filler}`);
  });
  specs.holds(control.land, "writes nothing but the distance", () => {
    expect(over(3, true)).toEqual(["je +3", "int3", "int3", "int3"]);
  });
  specs.holds(control.land32, "likewise for four bytes of distance", () => {
    expect(over(2, false)).toEqual(["je +2", "int3", "int3"]);
    expect(over(5000, false)[0]).toBe("je +5000");
  });
});

describe("encode/control: nops", () => {
  /** asm/nops.h, P6: one instruction up to ASM_NOP_MAX bytes */
  const ONE = [
    "90",
    "66 90",
    "0f 1f 00",
    "0f 1f 40 00",
    "0f 1f 44 00 00",
    "66 0f 1f 44 00 00",
    "0f 1f 80 00 00 00 00",
    "0f 1f 84 00 00 00 00 00",
  ];
  const emitted = (length: number): Code => {
    const c = new Code();
    c.restart(true);
    control.nops(c, length);
    return c;
  };
  const hex = (c: Code): string => Buffer.from(c.bytes.subarray(0, c.pos)).toString("hex");

  specs.holds(control.nops, "up to eight bytes are one instruction", () => {
    expect(ONE.map((_, i) => hex(emitted(i + 1)))).toEqual(ONE.map((bytes) => bytes.replaceAll(" ", "")));
    expect(emitted(0).pos).toBe(0);
  });
  it("more are several, the longest first", () => {
    for (let length = 0; length <= 40; length++) {
      const c = emitted(length);
      const read = decodeAll(c.bytes.slice(0, c.pos));
      const full = Array.from({ length: length >> 3 }, () => 8);
      expect(read.map((insn) => insn.length)).toEqual(length & 7 ? [...full, length & 7] : full);
      expect(c.starts).toEqual(read.map(({ offset }) => offset));
      expect(read.every(({ text }) => /^(nop|xchg ax, ax)/.test(text))).toBe(true);
    }
  });

  specs.complete();
});
