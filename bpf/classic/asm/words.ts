import { AsmError } from "../../asm/error.ts";

/** A piece of a line. */
export interface Word {
  text: string;
  /** 1-based */
  line: number;
  column: number;
}

export interface Statement {
  labels: Word[];
  /** undefined: only labels */
  mnemonic?: Word;
  operands: Word[];
}

export function wrong({ text, line, column }: Word, expected: string, suggestion?: string): never {
  throw new AsmError(line, column, text ? `"${text}"` : "nothing", expected, suggestion);
}

/** Blanks in the place of C comments, and of what follows a semicolon. */
export const withoutComments = (text: string): string =>
  text.replace(/\/\*.*?(\*\/|$)/gs, (comment) => comment.replace(/[^\n]/g, " ")).replace(/;.*/g, "");

/** `label: mnemonic operand, operand` */
export function statementOf(content: string, line: number): Statement {
  const labels: Word[] = [];
  let at = 0;
  for (;;) {
    const match = /^\s*([A-Za-z_]\w*)\s*:/.exec(content.slice(at));
    if (!match) break;
    labels.push({ text: match[1], line, column: at + match[0].indexOf(match[1]) + 1 });
    at += match[0].length;
  }
  const match = /^(\s*)(\S+)/.exec(content.slice(at));
  if (!match) return { labels, operands: [] };
  const column = at + match[1].length + 1;
  const mnemonic = { text: match[2], line, column };
  const rest = content.slice(column - 1 + match[2].length);
  return { labels, mnemonic, operands: rest.trim() ? operandsOf(rest, line, column + match[2].length) : [] };
}

/** `column`: of the text's first character */
function operandsOf(text: string, line: number, column: number): Word[] {
  let from = 0;
  return text.split(",").map((part) => {
    const word = { text: part.trim(), line, column: column + from + (part.length - part.trimStart().length) };
    from += part.length + 1;
    return word;
  });
}

/** u32 of a decimal, hex or octal number; negative ones wrap. */
export function u32(text: string): number | undefined {
  const match = /^(-?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text.trim());
  if (!match) return undefined;
  const value = BigInt(match[2]) * (match[1] ? -1n : 1n);
  if (value < -(1n << 31n) || value >= 1n << 32n) return undefined;
  return Number(BigInt.asUintN(32, value));
}
