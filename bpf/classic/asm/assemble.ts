import { nearest } from "../../asm/nearest.ts";
import * as O from "../../opcode.ts";
import type { ClassicInsn } from "../insn.ts";
import * as C from "../opcode.ts";
import { loadMode, type Operand, operandOf } from "./operand.ts";
import { type Statement, statementOf, type Word, withoutComments, wrong } from "./words.ts";

export interface ClassicAssembly {
  insns: ClassicInsn[];
  /** 1-based source line of each instruction */
  lines: number[];
}

/** Loads: class and size, and the operands that they take. */
const LOADS: Record<string, [code: number, kinds: Operand["kind"][]]> = {
  ld: [O.BPF_LD | O.BPF_W, ["imm", "mem", "abs", "ind", "len", "ancillary"]],
  ldi: [O.BPF_LD | O.BPF_W, ["imm"]],
  ldh: [O.BPF_LD | O.BPF_H, ["abs", "ind", "ancillary"]],
  ldb: [O.BPF_LD | O.BPF_B, ["abs", "ind", "ancillary"]],
  ldx: [O.BPF_LDX | O.BPF_W, ["imm", "mem", "len", "msh"]],
  ldxi: [O.BPF_LDX | O.BPF_W, ["imm"]],
  ldxb: [O.BPF_LDX | O.BPF_B, ["msh"]],
};

const ALU: Record<string, number> = {
  add: O.BPF_ADD,
  sub: O.BPF_SUB,
  mul: O.BPF_MUL,
  div: O.BPF_DIV,
  mod: O.BPF_MOD,
  and: O.BPF_AND,
  or: O.BPF_OR,
  xor: O.BPF_XOR,
  lsh: O.BPF_LSH,
  rsh: O.BPF_RSH,
};

/** Comparisons; those that classic BPF lacks are the opposite of another, with the ways swapped. */
const JUMPS: Record<string, [op: number, swapped: boolean]> = {
  jeq: [O.BPF_JEQ, false],
  jgt: [O.BPF_JGT, false],
  jge: [O.BPF_JGE, false],
  jset: [O.BPF_JSET, false],
  jneq: [O.BPF_JEQ, true],
  jne: [O.BPF_JEQ, true],
  jle: [O.BPF_JGT, true],
  jlt: [O.BPF_JGE, true],
};

const PLAIN: Record<string, number> = {
  neg: O.BPF_ALU | O.BPF_NEG,
  tax: C.BPF_MISC | C.BPF_TAX,
  txa: C.BPF_MISC | C.BPF_TXA,
};

const OTHERS = ["st", "stx", "ja", "jmp", "ret"];
const MNEMONICS = [LOADS, ALU, JUMPS, PLAIN].flatMap((table) => Object.keys(table)).concat(OTHERS);

/** A jump whose labels are still names. */
interface Fixup {
  slot: number;
  field: "jt" | "jf" | "k";
  label: Word;
}

/**
 * Assembles classic BPF as tools/bpf/bpf_asm does (Documentation/networking/filter.rst): `ldh [12]`, `jeq #0x800, yes, no`,
 * `ret #-1`. Throws AsmError for the first thing wrong.
 */
export function assembleClassic(text: string): ClassicAssembly {
  const assembler = new Assembler();
  withoutComments(text)
    .split("\n")
    .forEach((content, index) => {
      assembler.add(statementOf(content.replace(/\r$/, ""), index + 1));
    });
  return assembler.finish();
}

class Assembler {
  readonly #insns: ClassicInsn[] = [];
  readonly #lines: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];

  add({ labels, mnemonic, operands }: Statement): void {
    for (const label of labels) {
      if (this.#labels.has(label.text)) wrong(label, "a label that is not taken");
      this.#labels.set(label.text, this.#insns.length);
    }
    if (!mnemonic) return;
    const insn = this.#insn(mnemonic, operands);
    this.#insns.push({ jt: 0, jf: 0, k: 0, ...insn });
    this.#lines.push(mnemonic.line);
  }

  /** Jumps only go forward. */
  finish(): ClassicAssembly {
    for (const { slot, field, label } of this.#fixups) {
      const target = this.#labels.get(label.text);
      if (target === undefined) wrong(label, "a label", nearest(label.text, this.#labels.keys()));
      const distance = target - slot - 1;
      if (distance < 0) wrong(label, "a label further on: classic BPF does not jump back");
      if (field !== "k" && distance > 255) wrong(label, `a label within 255 instructions, not ${distance}`);
      this.#insns[slot][field] = distance;
    }
    return { insns: this.#insns, lines: this.#lines };
  }

  #insn(mnemonic: Word, words: Word[]): Partial<ClassicInsn> & { code: number } {
    const { text } = mnemonic;
    if (PLAIN[text] !== undefined) {
      count(mnemonic, words, 0);
      return { code: PLAIN[text] };
    }
    const jump = JUMPS[text];
    if (jump) return this.#jump(mnemonic, words, jump);
    if (!MNEMONICS.includes(text)) wrong(mnemonic, "a mnemonic", nearest(text, MNEMONICS));
    count(mnemonic, words, 1);
    if (text === "ja" || text === "jmp") {
      this.#fixups.push({ slot: this.#insns.length, field: "k", label: words[0] });
      return { code: O.BPF_JMP | O.BPF_JA };
    }
    const operand = operandOf(words[0]);
    const load = LOADS[text];
    if (load) return loadInsn(words[0], operand, load);
    if (text === "st" || text === "stx") {
      if (operand.kind !== "mem") wrong(words[0], "M[k]");
      return { code: text === "st" ? O.BPF_ST : O.BPF_STX, k: operand.k };
    }
    if (text === "ret") {
      if (operand.kind === "a") return { code: C.BPF_RET | C.BPF_A };
      if (operand.kind === "x") return { code: C.BPF_RET | O.BPF_X };
      return { code: C.BPF_RET | O.BPF_K, k: immediate(words[0], operand) };
    }
    return source(O.BPF_ALU | ALU[text], words[0], operand);
  }

  /** `jeq #k, yes, no`, `jeq x, yes`: one label is where it goes when the comparison holds */
  #jump(mnemonic: Word, words: Word[], [op, swapped]: [number, boolean]): Partial<ClassicInsn> & { code: number } {
    if (words.length !== 2 && (words.length !== 3 || swapped)) count(mnemonic, words, swapped ? 2 : 3);
    const [yes, no] = words.slice(1);
    const slot = this.#insns.length;
    this.#fixups.push({ slot, field: swapped ? "jf" : "jt", label: yes });
    if (no) this.#fixups.push({ slot, field: "jf", label: no });
    return source(O.BPF_JMP | op, words[0], operandOf(words[0]));
  }
}

function loadInsn(
  word: Word,
  operand: Operand,
  [code, kinds]: [number, Operand["kind"][]],
): { code: number; k: number } {
  const load = kinds.includes(operand.kind) ? loadMode(operand) : undefined;
  if (!load) return wrong(word, "an operand that this load takes");
  const size = operand.kind === "msh" ? O.BPF_B : O.sizeOf(code);
  return { code: O.classOf(code) | size | load.mode, k: load.k };
}

const immediate = (word: Word, operand: Operand): number => (operand.kind === "imm" ? operand.k : wrong(word, "#k"));

const source = (code: number, word: Word, operand: Operand): { code: number; k?: number } =>
  operand.kind === "x" ? { code: code | O.BPF_X } : { code: code | O.BPF_K, k: immediate(word, operand) };

function count(mnemonic: Word, words: Word[], wanted: number): void {
  if (words.length > wanted) wrong(words[wanted], `the end of the line: "${mnemonic.text}" takes ${wanted} operands`);
  const end = { ...mnemonic, text: "", column: mnemonic.column + mnemonic.text.length };
  if (words.length < wanted) wrong(end, `${wanted} operands of "${mnemonic.text}"`);
}
