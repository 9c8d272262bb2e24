import * as O from "../../bpf/opcode.ts";
import type { CodeWriter } from "./code-writer.ts";
import type { Dialect } from "./dialect.ts";
import { type FunctionGenes, type Gene, KINDS, type Kind, TABLES } from "./genome.ts";
import { writeHelper } from "./helper-writer.ts";
import { writeAccess, writeAtomic } from "./memory-writer.ts";
import { Scalars } from "./registers.ts";
import { Stack } from "./stack.ts";

const ALU = [
  O.BPF_ADD,
  O.BPF_SUB,
  O.BPF_XOR,
  O.BPF_OR,
  O.BPF_AND,
  O.BPF_MUL,
  O.BPF_LSH,
  O.BPF_RSH,
  O.BPF_ARSH,
  O.BPF_MOV,
  O.BPF_DIV,
  O.BPF_MOD,
];
const SHIFTS = [O.BPF_LSH, O.BPF_RSH, O.BPF_ARSH];
const COMPARE = [O.BPF_JEQ, O.BPF_JNE, O.BPF_JGT, O.BPF_JGE, O.BPF_JSGT, O.BPF_JSGE, O.BPF_JSET];
const LESS = [O.BPF_JLT, O.BPF_JLE, O.BPF_JSLT, O.BPF_JSLE];
const CALLEE_SAVED = [6, 7, 8, 9];
const TAIL_CALL = 12;
/** u64 words of a raw tracepoint's context that programs read */
const CONTEXT_WORDS = 12;

/** What a function may do, where it stands. */
export interface Surroundings {
  dialect: Dialect;
  type: "classifier" | "raw_tracepoint";
  /** the program's functions; those behind this one may be called */
  functions: readonly FunctionGenes[];
  index: number;
  /** tail calls are allowed in this program */
  tails: boolean;
  /** bytes of stack that a function may have */
  stackLimit: number;
}

/** Writes one function from its genes. */
export class FunctionWriter {
  readonly code: CodeWriter;
  readonly around: Surroundings;
  readonly scalars: Scalars;
  readonly stack: Stack;
  /** callee-saved register with the context; undefined: it is on the stack */
  readonly #contextReg: number | undefined;
  readonly #hasContext: boolean;
  #loops = 0;

  constructor(code: CodeWriter, around: Surroundings) {
    const { functions, index } = around;
    const self = functions[index];
    this.code = code;
    this.around = around;
    this.#hasContext = self.genes.some(([kind]) => this.#needsContext(KINDS[kind]));
    const where = self.frame % 5;
    this.#contextReg = this.#hasContext && where < 4 ? CALLEE_SAVED[where] : undefined;
    const saved = CALLEE_SAVED.filter((reg, i) => reg !== this.#contextReg && (self.frame >> (4 + i)) & 1);
    this.scalars = new Scalars(code, [...saved, 0, 2, 3, 4, 5, 1]);
    this.stack = new Stack(code, this.#hasContext && this.#contextReg === undefined, self.slots, around.stackLimit);
  }

  #needsContext(kind: Kind): boolean {
    const { functions, index, tails, type } = this.around;
    if (kind === "call") return index + 1 < functions.length;
    return (kind === "tail" && tails) || (kind === "context" && type === "raw_tracepoint");
  }

  write(): void {
    const { code, scalars } = this;
    const { functions, index } = this.around;
    const { genes, result } = functions[index];
    const taken = index === 0 ? 0 : functions[index].arguments;
    for (let n = 0; n < taken; n++) scalars.written |= 4 << n;
    if (this.#contextReg !== undefined) code.copy(this.#contextReg, 1);
    else if (this.#hasContext) this.stack.saveContext();
    this.#block(genes, 0, genes.length);
    this.#finish(result);
  }

  /** R0: some of what the registers hold. */
  #finish(result: number): void {
    const { code, scalars } = this;
    if (!scalars.has(0)) code.move(0, result);
    for (let reg = 1; reg < 10; reg++)
      if (scalars.has(reg) && (reg >= 6 || (result >> reg) & 1)) code.put(O.BPF_ALU64 | O.BPF_XOR | O.BPF_X, 0, reg);
    code.put(O.EXIT, 0);
  }

  /** Genes from `at` on, `end` at most; returns where it stopped. */
  #block(genes: readonly Gene[], at: number, end: number): void {
    while (at < end) at = this.#gene(genes, at, end);
  }

  /** One gene, and those that it takes with it; returns the next. */
  #gene(genes: readonly Gene[], at: number, end: number): number {
    const gene = genes[at];
    const kind = KINDS[gene[0] % KINDS.length];
    if (kind === "if") return this.#branch(genes, at, end);
    if (kind === "loop") return this.#loop(genes, at, end);
    this.#simple(kind, gene);
    return at + 1;
  }

  #simple(kind: Kind, gene: Gene): void {
    const [, a, b, c, imm] = gene;
    const { code, scalars } = this;
    switch (kind) {
      case "aluImm":
        return this.#alu(a, b, undefined, c, imm);
      case "aluReg":
        return this.#alu(a, b, c >> 3, c, imm);
      case "unary":
        return this.#unary(a, b, c);
      case "wide":
        return code.wide(scalars.target(b), imm, (a << 24) | (c << 8) | b);
      case "store":
      case "load":
        return writeAccess(this, kind, gene);
      case "atomic":
        return writeAtomic(this, gene);
      case "helper":
        return writeHelper(this, gene);
      case "call":
        return this.#call(gene);
      case "tail":
        return this.#tail(gene);
      case "context":
        if (this.#needsContext(kind)) return this.#context(a, b);
    }
    if (c & 1) code.put(O.BPF_ALU | O.BPF_MOV | O.BPF_K, scalars.target(b), 0, 0, imm);
    else code.move(scalars.target(b), imm);
  }

  #alu(a: number, b: number, source: number | undefined, flags: number, imm: number): void {
    const { code, scalars } = this;
    const { dialect } = this.around;
    const cls = flags & 1 ? O.BPF_ALU : O.BPF_ALU64;
    const op = ALU[a % ALU.length];
    const divides = op === O.BPF_DIV || op === O.BPF_MOD;
    const from = source === undefined ? undefined : scalars.source(source);
    const dst = op === O.BPF_MOV ? scalars.target(b) : scalars.source(b);
    const off = divides && dialect.v4 && flags & 2 ? 1 : 0;
    if (from === undefined) {
      const bits = flags & 1 ? 31 : 63;
      const value = SHIFTS.includes(op) ? imm & bits : divides && imm === 0 ? 7 : imm;
      return code.put(cls | op | O.BPF_K, dst, 0, off, value);
    }
    if (divides && flags & 1 && !dialect.keepsDivisor) code.put(O.BPF_ALU | O.BPF_MOV | O.BPF_X, from, from);
    if (divides && !dialect.divides) code.put(O.BPF_ALU64 | O.BPF_OR | O.BPF_K, from, 0, 0, 1);
    const extends_ = op === O.BPF_MOV && dialect.v4 && flags & 2;
    const widths = flags & 1 ? [8, 16] : [8, 16, 32];
    code.put(cls | op | O.BPF_X, dst, from, extends_ ? widths[(flags >> 2) % widths.length] : off);
  }

  #unary(a: number, b: number, c: number): void {
    const { code, scalars } = this;
    const dst = scalars.source(b);
    const width = [16, 32, 64][c % 3];
    const kinds = this.around.dialect.v4 ? 5 : 4;
    const codes = [
      O.BPF_ALU64 | O.BPF_NEG,
      O.BPF_ALU | O.BPF_NEG,
      O.BPF_ALU | O.BPF_END | O.BPF_TO_BE,
      O.BPF_ALU | O.BPF_END | O.BPF_TO_LE,
      O.BPF_ALU64 | O.BPF_END | O.BPF_TO_LE,
    ];
    const which = a % kinds;
    code.put(codes[which], dst, 0, 0, which < 2 ? 0 : width);
  }

  /** A comparison that jumps where it holds. */
  #compare(a: number, b: number, c: number, imm: number): number {
    const { code, scalars } = this;
    const { dialect } = this.around;
    const ops = dialect.calls ? [...COMPARE, ...LESS] : COMPARE;
    const cls = dialect.calls && c & 1 ? O.BPF_JMP32 : O.BPF_JMP;
    const dst = scalars.source(b);
    const op = ops[a % ops.length];
    if (c & 2) return code.jump(cls | op | O.BPF_X, dst, scalars.source(b >> 3));
    return code.jump(cls | op | O.BPF_K, dst, 0, imm);
  }

  #branch(genes: readonly Gene[], at: number, end: number): number {
    const { code, scalars, stack } = this;
    const [, a, b, c, imm] = genes[at];
    const middle = Math.min(end, at + 2 + ((c >> 2) & 3));
    const last = Math.min(end, middle + ((c >> 4) & 3));
    const toElse = this.#compare(a, b, c, imm);
    const before = { scalars: scalars.written, stack: stack.written };
    this.#block(genes, at + 1, middle);
    const then = { scalars: scalars.written, stack: stack.written };
    scalars.written = before.scalars;
    stack.written = before.stack;
    if (middle < last) {
      const toEnd = code.jump(O.JA);
      code.land(toElse);
      this.#block(genes, middle, last);
      code.land(toEnd);
    } else code.land(toElse);
    scalars.written &= then.scalars;
    stack.written &= then.stack;
    return last;
  }

  /** A block that is run a few times; its first pass writes what the others read. */
  #loop(genes: readonly Gene[], at: number, end: number): number {
    const { code, scalars } = this;
    const [, a, b] = genes[at];
    const last = Math.min(end, at + 2 + (b & 3));
    const counter = this.around.dialect.loops && this.#loops === 0 && last > at + 1 ? scalars.reserve() : undefined;
    if (counter === undefined) return at + 1;
    this.#loops++;
    code.move(counter, 2 + (a & 1));
    // what is written before stays a number in every pass
    const written = scalars.written;
    const top = code.at;
    this.#block(genes, at + 1, last);
    for (let reg = 0; reg < 6; reg++) if (written & (1 << reg)) scalars.source(scalars.indexOf(reg));
    code.put(O.BPF_ALU64 | O.BPF_SUB | O.BPF_K, counter, 0, 0, 1);
    code.put(O.BPF_JMP | O.BPF_JNE | O.BPF_K, counter, 0, top - code.at - 1, 0);
    this.#loops--;
    scalars.release(counter);
    return last;
  }

  /** R1 becomes the context. */
  loadContext(): void {
    if (this.#contextReg !== undefined) this.code.copy(1, this.#contextReg);
    else this.stack.loadContext();
    this.scalars.lose(2);
  }

  #call([kind, a, b, c, imm]: Gene): void {
    const { code, scalars } = this;
    const { functions, index } = this.around;
    const callable = functions.length - index - 1;
    if (callable === 0 || this.#loops > 0) return this.#simple("move", [kind, a, b, c, imm]);
    const callee = index + 1 + (a % callable);
    for (let n = 0; n < functions[callee].arguments; n++) {
      const from = scalars.source((b + n * c) & 255);
      if (from !== 2 + n) code.copy(2 + n, from);
      scalars.written |= 4 << n;
    }
    this.loadContext();
    code.call(callee);
    scalars.called(true);
  }

  #tail([kind, a, b, c, imm]: Gene): void {
    const { code, scalars } = this;
    if (!this.around.tails || this.#loops > 0) return this.#simple("move", [kind, a, b, c, imm]);
    const table = a % TABLES.length;
    if (c & 3) code.move(3, b % (TABLES[table] + 1));
    else {
      const from = scalars.source(b);
      if (from !== 3) code.copy(3, from);
      code.put(O.BPF_ALU64 | O.BPF_AND | O.BPF_K, 3, 0, 0, 3);
    }
    code.map(2, `table${table}`);
    this.loadContext();
    code.helper(TAIL_CALL);
    scalars.called(false);
  }

  #context(a: number, b: number): void {
    const { code, scalars } = this;
    this.loadContext();
    code.put(O.BPF_LDX | O.BPF_MEM | O.BPF_DW, scalars.target(b), 1, 8 * (a % CONTEXT_WORDS));
  }
}
