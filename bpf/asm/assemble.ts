import { HELPER_NAMES } from "../helper-ids.ts";
import type { Insn } from "../insn.ts";
import type { FuncInfo, Reloc } from "../program.ts";
import { AsmError } from "./error.ts";
import { nameFunctions } from "./functions.ts";
import { countLabelTokens, Labels } from "./labels.ts";
import { Lexer, type Token } from "./lexer.ts";
import { type Fixup, type Names, Parser } from "./parser.ts";
import { parseStatement } from "./statement.ts";

export interface AssembleOptions {
  /** names that `r1 = name ll` may refer to */
  maps?: Iterable<string>;
  /** name -> number of what `call name` may call; the default is all of the kernel's helpers */
  helpers?: ReadonlyMap<string, number>;
  /** kernel functions that `call name` may call; `call kfunc name` needs no declaration */
  kfuncs?: Iterable<string>;
  /** names that stand for numbers, also as `%[name]` */
  constants?: Readonly<Record<string, number | bigint>>;
  /** `;` starts a comment (the default), or separates instructions as in LLVM */
  semicolon?: "comment" | "separator";
  /** name of the first function where it has no label; the default is `entry` */
  entry?: string;
}

export interface Assembly {
  insns: Insn[];
  /** in order of start; the first is the entry */
  functions: FuncInfo[];
  relocs: Reloc[];
  /** 1-based source line of each slot */
  lines: Uint32Array;
  /** slot of each named label */
  labels: Map<string, number>;
}

interface Statement {
  line: number;
  tokens: Token[];
  labelTokens: number;
}

const HELPERS: ReadonlyMap<string, number> = new Map(HELPER_NAMES.map((name, id) => [name, id]));

/**
 * Assembles BPF assembly as LLVM writes it, and the additions that bpf/asm/README.md lists. Addresses of maps and kernel
 * functions are left to relocs. Throws AsmError for the first thing wrong in the text, and nothing else.
 */
export function assemble(text: string, options: AssembleOptions = {}): Assembly {
  const errors = new FirstError();
  const { statements, labelNames } = readStatements(text, options, errors);
  const parser = new Parser(namesOf(options, labelNames));
  const labels = new Labels();
  for (const { line, tokens, labelTokens } of statements) {
    errors.catch(() => {
      for (let i = 0; i < labelTokens; i += 2) labels.define(tokens[i], line, parser.slot);
      parser.start(line, labels.order, tokens.slice(labelTokens));
      if (tokens.length > labelTokens + 1) parseStatement(parser);
    });
  }
  for (const fixup of parser.fixups) errors.catch(() => resolve(fixup, labels, parser.insns));
  errors.throw();
  return {
    insns: parser.insns,
    functions: nameFunctions(parser, labels, options.entry ?? "entry"),
    relocs: parser.relocs,
    lines: Uint32Array.from(parser.lines),
    labels: labels.slots,
  };
}

function readStatements(text: string, options: AssembleOptions, errors: FirstError) {
  const lexer = new Lexer(options.semicolon === "separator");
  const statements: Statement[] = [];
  const labelNames = new Set<string>();
  text.split("\n").forEach((content, index) => {
    const line = index + 1;
    const intact = errors.catch(() => {
      for (const tokens of lexer.statements(content, line)) {
        const labelTokens = countLabelTokens(tokens);
        for (let i = 0; i < labelTokens; i += 2) labelNames.add(tokens[i].text);
        statements.push({ line, tokens, labelTokens });
      }
    });
    if (!intact) for (const [, name] of content.matchAll(/(?<![\w.$])([\w.$]+)\s*:/g)) labelNames.add(name);
  });
  errors.catch(() => lexer.finish());
  return { statements, labelNames };
}

function namesOf(options: AssembleOptions, labels: ReadonlySet<string>): Names {
  const constants = Object.entries(options.constants ?? {}).map(([name, value]) => [name, BigInt(value)] as const);
  return {
    maps: new Set(options.maps),
    helpers: options.helpers ?? HELPERS,
    kfuncs: new Set(options.kfuncs),
    constants: new Map(constants),
    labels,
  };
}

/** Jump distances count from the slot after the instruction. */
function resolve(fixup: Fixup, labels: Labels, insns: Insn[]): void {
  const target = labels.slotOf(fixup);
  if (target === undefined) return;
  const distance = target - fixup.slot - 1;
  if (fixup.field === "off" && distance !== (distance << 16) >> 16) {
    const { line, token } = fixup;
    throw new AsmError(
      line,
      token.column,
      `"${token.text}", ${distance} away`,
      "a target within -32768 and 32767, or gotol",
    );
  }
  insns[fixup.slot][fixup.field] = distance;
}

/** Keeps the error that stands first in the text, so that one line's error does not hide an earlier one. */
class FirstError {
  #first: AsmError | undefined;

  /** Whether `work` did without AsmError. */
  catch(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!(error instanceof AsmError)) throw error;
      const first = this.#first;
      const before = !first || error.line < first.line || (error.line === first.line && error.column < first.column);
      if (before) this.#first = error;
      return false;
    }
  }

  throw(): void {
    if (this.#first) throw this.#first;
  }
}
