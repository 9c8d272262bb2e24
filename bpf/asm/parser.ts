import type { Insn } from "../insn.ts";
import type { Reloc } from "../program.ts";
import { AsmError } from "./error.ts";
import type { Token } from "./lexer.ts";
import { nearest } from "./nearest.ts";

/** A field that waits for the slot of a label. */
export interface Fixup {
  slot: number;
  /** the label, or `1f` */
  token: Token;
  line: number;
  /** labels above it in the text */
  order: number;
  field: "off" | "imm";
  /** the label becomes a function */
  isFunction: boolean;
}

export interface Names {
  maps: ReadonlySet<string>;
  helpers: ReadonlyMap<string, number>;
  kfuncs: ReadonlySet<string>;
  constants: ReadonlyMap<string, bigint>;
  /** labels of the whole text, which may stand below their use */
  labels: ReadonlySet<string>;
}

/** The tokens of one statement, what is known of names, and what has been assembled so far. */
export class Parser {
  readonly names: Names;
  readonly insns: Insn[] = [];
  readonly relocs: Reloc[] = [];
  readonly fixups: Fixup[] = [];
  /** 1-based source line of each slot */
  readonly lines: number[] = [];
  line = 0;
  #order = 0;
  #tokens: readonly Token[] = [];
  #at = 0;

  constructor(names: Names) {
    this.names = names;
  }

  /** @param order labels above the statement in the text */
  start(line: number, order: number, tokens: readonly Token[]): void {
    this.line = line;
    this.#order = order;
    this.#tokens = tokens;
    this.#at = 0;
  }

  /** Slot of the next instruction. */
  get slot(): number {
    return this.insns.length;
  }

  emit(code: number, dst: number, src: number, off: number, imm: number): void {
    this.insns.push({ code, dst, src, off, imm });
    this.lines.push(this.line);
  }

  /** Takes a label whose distance from the end of the instruction goes into `field`, which is 0 until then. */
  target(field: "off" | "imm", isFunction: boolean): 0 {
    this.fixups.push({ slot: this.slot, token: this.next(), line: this.line, order: this.#order, field, isFunction });
    return 0;
  }

  /** The token `ahead` of the next one; the end of the line repeats. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  at(text: string, ahead = 0): boolean {
    return this.peek(ahead).text === text;
  }

  accept(text: string): boolean {
    if (!this.at(text)) return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) this.fail(`"${text}"`);
  }

  expectEnd(): void {
    if (this.peek().kind !== "end") this.fail("the end of the instruction");
  }

  /** Throws AsmError at `token`. */
  fail(expected: string, token = this.peek(), candidates?: Iterable<string>): never {
    const found = token.kind === "end" ? "the end of the line" : `"${token.text}"`;
    const suggestion = candidates && token.kind === "name" ? nearest(token.text, candidates) : undefined;
    throw new AsmError(this.line, token.column, found, expected, suggestion);
  }
}
