import { AsmError } from "../asm/error.ts";
import { nearest } from "../asm/nearest.ts";
import type { Insn } from "../insn.ts";
import { BPF_FETCH, BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, BPF_X, CALL, CALLX, JA32 } from "../opcode.ts";
import { ATOMIC_MNEMONICS, MNEMONICS, type Mnemonic } from "./mnemonics.ts";
import { imm32, imm64, memory, offset, register, registerNumber, type Word, wordsOf, wrong } from "./operands.ts";

export interface UbpfAssembly {
  insns: Insn[];
  /** 1-based source line of each slot */
  lines: number[];
}

/** A jump or call whose target is a label. */
interface Fixup {
  slot: number;
  field: "off" | "imm";
  label: Word;
}

const OPERANDS: Record<Mnemonic["form"], number> = {
  alu: 2,
  unary: 1,
  jump: 3,
  goto: 1,
  load: 2,
  store: 2,
  storeImm: 2,
  wide: 2,
  call: 1,
  exit: 0,
  atomic: 2,
};

/**
 * Assembles the dialect of ubpf and bpf_conformance: `mov32 %r0, 1`, `ldxdw %r0, [%r1+2]`, `lock fetch add [%r10-8], %r1`,
 * `jne %r0, 15, label`, `call local label`. `exit` as a label is the first exit. Throws AsmError.
 */
export function assembleUbpf(text: string, firstLine = 1): UbpfAssembly {
  const state = new State();
  text.split("\n").forEach((content, index) => {
    const words = wordsOf(content, firstLine + index);
    while (words.length && words[0].text.endsWith(":")) state.define(words.shift()!);
    if (words.length) state.add(words);
  });
  return state.finish();
}

class State {
  readonly #insns: Insn[] = [];
  readonly #lines: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];
  #firstExit: number | undefined;

  define(word: Word): void {
    const name = word.text.slice(0, -1);
    if (this.#labels.has(name)) wrong(word, "a label that is not taken");
    this.#labels.set(name, this.#insns.length);
  }

  add(words: Word[]): void {
    const [{ text }, ...rest] = words;
    if (text === "lock") return this.#atomic(words[0], rest);
    const mnemonic = MNEMONICS.get(text);
    if (!mnemonic) wrong(words[0], "a mnemonic", nearest(text, [...MNEMONICS.keys()]));
    if (mnemonic.form === "exit") this.#firstExit ??= this.#insns.length;
    if (mnemonic.form === "call") return this.#call(mnemonic, words[0], rest);
    count(mnemonic, words[0], rest);
    this.#plain(mnemonic, words[0].line, rest);
  }

  finish(): UbpfAssembly {
    for (const { slot, field, label } of this.#fixups) {
      const target = this.#labels.get(label.text) ?? (label.text === "exit" ? this.#firstExit : undefined);
      if (target === undefined) wrong(label, "a label or +N", nearest(label.text, [...this.#labels.keys()]));
      const distance = target - slot - 1;
      if (field === "off" && distance !== (distance << 16) >> 16) wrong(label, "a label within 32,767 instructions");
      this.#insns[slot][field] = distance;
    }
    return { insns: this.#insns, lines: this.#lines };
  }

  #push(line: number, insn: Partial<Insn> & { code: number }): void {
    this.#insns.push({ dst: 0, src: 0, off: 0, imm: 0, ...insn });
    this.#lines.push(line);
  }

  #plain({ form, code, off = 0, imm = 0 }: Mnemonic, line: number, operands: Word[]): void {
    const [first, second, third] = operands;
    switch (form) {
      case "alu":
        return this.#push(line, { ...value(code, second), dst: register(first), off });
      case "unary":
        return this.#push(line, { code, dst: register(first), imm });
      case "jump":
        this.#push(line, { ...value(code, second), dst: register(first) });
        return this.#target("off", third);
      case "goto":
        this.#push(line, { code });
        return this.#target(code === JA32 ? "imm" : "off", first);
      case "load": {
        const from = memory(second);
        return this.#push(line, { code, dst: register(first), src: from.register, off: from.off });
      }
      case "store": {
        const to = memory(first);
        return this.#push(line, { code, dst: to.register, off: to.off, src: register(second) });
      }
      case "storeImm": {
        const to = memory(first);
        return this.#push(line, { code, dst: to.register, off: to.off, imm: imm32(second) });
      }
      case "wide": {
        const number = imm64(second);
        this.#push(line, { code, dst: register(first), imm: Number(BigInt.asIntN(32, number)) });
        return this.#push(line, { code: 0, imm: Number(BigInt.asIntN(32, number >> 32n)) });
      }
      default:
        return this.#push(line, { code });
    }
  }

  /** `+N`, `-N`, or a label */
  #target(field: "off" | "imm", word: Word): void {
    const slot = this.#insns.length - 1;
    if (/^[+-]/.test(word.text)) this.#insns[slot][field] = field === "off" ? offset(word) : imm32(word);
    else this.#fixups.push({ slot, field, label: word });
  }

  /** `lock [fetch] add [%r1+0], %r2` */
  #atomic(lock: Word, words: Word[]): void {
    const fetches = words[0]?.text === "fetch";
    const [name, ...operands] = fetches ? words.slice(1) : words;
    if (!name) wrong(lock, "an operation behind it");
    const mnemonic = ATOMIC_MNEMONICS.get(name.text);
    if (!mnemonic) wrong(name, "an atomic operation", nearest(name.text, [...ATOMIC_MNEMONICS.keys()]));
    count(mnemonic, name, operands);
    const to = memory(operands[0]);
    const { code, imm = 0 } = mnemonic;
    const src = register(operands[1]);
    this.#push(lock.line, { code, dst: to.register, off: to.off, src, imm: fetches ? imm | BPF_FETCH : imm });
  }

  /** `call 5`, `call %r2`, `call helper 5`, `call local label`, `call runtime 42`, `callx %r2` */
  #call({ code }: Mnemonic, call: Word, words: Word[]): void {
    const [kind, target] = words.length === 2 ? [words[0].text, words[1]] : ["helper", words[0]];
    if (!target || words.length > 2) wrong(call, "what to call behind it");
    const { line } = call;
    const isRegister = registerNumber(target.text) !== undefined;
    if (code === CALLX || (kind === "helper" && isRegister)) this.#push(line, { code: CALLX, dst: register(target) });
    else if (kind === "helper") this.#push(line, { code: CALL, imm: imm32(target) });
    else if (kind === "runtime") this.#push(line, { code: CALL, src: BPF_PSEUDO_KFUNC_CALL, imm: imm32(target) });
    else if (kind === "local") {
      this.#push(line, { code: CALL, src: BPF_PSEUDO_CALL });
      this.#target("imm", target);
    } else wrong(words[0], "helper, local or runtime");
  }
}

/** A register or an immediate, and the opcode that says which. */
function value(code: number, word: Word): Partial<Insn> & { code: number } {
  const src = registerNumber(word.text);
  return src === undefined ? { code, imm: imm32(word) } : { code: code | BPF_X, src };
}

function count({ form }: Mnemonic, mnemonic: Word, operands: Word[]): void {
  const wanted = OPERANDS[form];
  if (operands.length > wanted)
    wrong(operands[wanted], `the end of the line: "${mnemonic.text}" takes ${wanted} operands`);
  if (operands.length === wanted) return;
  const { line, column, text } = operands.at(-1) ?? mnemonic;
  throw new AsmError(line, column + text.length, "the end of the line", `${wanted} operands of "${mnemonic.text}"`);
}
