import type { Insn } from "../../bpf/insn.ts";
import * as O from "../../bpf/opcode.ts";

const OPS: Record<number, string> = {
  [O.BPF_ADD]: "add",
  [O.BPF_SUB]: "sub",
  [O.BPF_MUL]: "mul",
  [O.BPF_DIV]: "div",
  [O.BPF_OR]: "or",
  [O.BPF_AND]: "and",
  [O.BPF_LSH]: "lsh",
  [O.BPF_RSH]: "rsh",
  [O.BPF_NEG]: "neg",
  [O.BPF_MOD]: "mod",
  [O.BPF_XOR]: "xor",
  [O.BPF_MOV]: "mov",
  [O.BPF_ARSH]: "arsh",
  [O.BPF_END]: "end",
};

const JUMPS: Record<number, string> = {
  [O.BPF_JEQ]: "jeq",
  [O.BPF_JGT]: "jgt",
  [O.BPF_JGE]: "jge",
  [O.BPF_JSET]: "jset",
  [O.BPF_JNE]: "jne",
  [O.BPF_JSGT]: "jsgt",
  [O.BPF_JSGE]: "jsge",
  [O.BPF_JLT]: "jlt",
  [O.BPF_JLE]: "jle",
  [O.BPF_JSLT]: "jslt",
  [O.BPF_JSLE]: "jsle",
};

/** Emitters of the JIT, by file. */
const FILES: [RegExp, string][] = [
  [/^prologue/, "lower/frame.ts, designs"],
  [/^tail call/, "lower/tail-call.ts, designs"],
  [/^exit/, "lower/exit.ts, lower/frame.ts"],
  [/^call/, "lower/call.ts, designs"],
  [/^jump|^j/, "lower/jump.ts"],
  [/^(load|store|probe)/, "lower/memory.ts"],
  [/^atomic/, "lower/atomic.ts"],
  [/(div|mod)/, "lower/divide.ts"],
  [/mul/, "lower/multiply.ts"],
  [/(lsh|rsh|arsh)/, "lower/shift.ts"],
  [/(end|bswap)/, "lower/byte-order.ts"],
  [/(mov|imm64)/, "lower/move.ts"],
];

/** The file under jit/x86 that emits what a place is made of. */
export const emitterOf = (place: string): string =>
  FILES.find(([pattern]) => pattern.test(place))?.[1] ?? "lower/alu.ts";

/** What a machine instruction is emitted for, in words: the lowering of a BPF instruction. */
export function placeOf(insn: Insn): string {
  const { code } = insn;
  switch (O.classOf(code)) {
    case O.BPF_ALU:
    case O.BPF_ALU64:
      return arithmetic(insn);
    case O.BPF_LDX:
      return `${loadMode(code)} ${8 * O.bytesOf(code)}`;
    case O.BPF_ST:
      return code === O.NOSPEC ? "nospec" : `store imm ${8 * O.bytesOf(code)}`;
    case O.BPF_STX:
      return O.modeOf(code) === O.BPF_ATOMIC ? atomic(insn) : `store ${8 * O.bytesOf(code)}`;
    case O.BPF_LD:
      return code === O.LD_IMM64 ? "imm64" : "packet load";
  }
  return control(insn);
}

function arithmetic({ code, off, imm }: Insn): string {
  const width = O.classOf(code) === O.BPF_ALU64 ? 64 : 32;
  const op = O.opOf(code);
  if (op === O.BPF_END) return `${width === 64 ? "bswap" : O.isX(code) ? "end be" : "end le"} ${imm}`;
  const operand = O.isX(code) ? "reg" : "imm";
  if (op === O.BPF_MOV && off === O.BPF_ADDR_PERCPU) return "mov percpu";
  const signed = off && (op === O.BPF_DIV || op === O.BPF_MOD) ? "s" : "";
  const extended = off && op === O.BPF_MOV ? ` from ${off}` : "";
  return `${signed}${OPS[op] ?? "?"}${width} ${operand}${extended}`;
}

const loadMode = (code: number): string =>
  ({
    [O.BPF_MEM]: "load",
    [O.BPF_MEMSX]: "load signed",
    [O.BPF_PROBE_MEM]: "probe",
    [O.BPF_PROBE_MEMSX]: "probe signed",
  })[O.modeOf(code)] ?? "load";

function atomic({ code, imm }: Insn): string {
  const width = 8 * O.bytesOf(code);
  if (imm === O.BPF_XCHG) return `atomic${width} xchg`;
  if (imm === O.BPF_CMPXCHG) return `atomic${width} cmpxchg`;
  if (imm === O.BPF_LOAD_ACQ) return `atomic${width} load`;
  if (imm === O.BPF_STORE_REL) return `atomic${width} store`;
  return `atomic${width} ${imm & O.BPF_FETCH ? "fetch " : ""}${OPS[imm & 0xf0]}`;
}

function control({ code, src, imm }: Insn): string {
  if (code === O.EXIT) return "exit";
  if (code === O.CALL) return src === O.BPF_PSEUDO_CALL ? "call of a function" : "call of a helper";
  if (code === O.TAIL_CALL) return imm ? "tail call, direct" : "tail call, indirect";
  if (code === O.JA || code === O.JA32) return "jump";
  const width = O.classOf(code) === O.BPF_JMP ? 64 : 32;
  return `${JUMPS[O.opOf(code)] ?? "jump ?"}${width} ${O.isX(code) ? "reg" : "imm"}`;
}
