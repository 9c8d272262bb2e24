import { AsmError } from "../asm/error.ts";

/** A word of a line: an operand, or a part of a mnemonic such as `lock fetch add`. */
export interface Word {
  text: string;
  /** 1-based */
  line: number;
  column: number;
}

/** Words of a line without its comment; operands are separated by commas or blanks, `[...]` is one word. */
export function wordsOf(content: string, line: number): Word[] {
  const text = content.replace(/#.*/, "");
  return [...text.matchAll(/\[[^\]]*\]?|[^\s,[\]]+|\]/g)].map((match) => ({
    text: match[0],
    line,
    column: match.index + 1,
  }));
}

export function wrong({ text, line, column }: Word, expected: string, suggestion?: string): never {
  throw new AsmError(line, column, `"${text}"`, expected, suggestion);
}

/** %r0 to %r10, with or without the percent sign; up to 15, for programs that are to be refused. */
export function register(word: Word): number {
  const number = registerNumber(word.text);
  return number ?? wrong(word, "a register, %r0 to %r10");
}

export function registerNumber(text: string): number | undefined {
  const match = /^%?r(\d{1,2})$/.exec(text);
  return match && Number(match[1]) < 16 ? Number(match[1]) : undefined;
}

/** A number in decimal or, behind 0x, in hex. */
function parse(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text);
  if (!match) return undefined;
  return match[1] === "-" ? -BigInt(match[2]) : BigInt(match[2]);
}

function integer(word: Word, bits: 16 | 32 | 64): bigint {
  const value = parse(word.text);
  if (value === undefined) wrong(word, `a number of ${bits} bits`);
  const low = -(1n << BigInt(bits - 1));
  const isSignExtended = value < 1n << 64n && BigInt.asIntN(64, value) === BigInt.asIntN(bits, value);
  if (value < low || (value >= 1n << BigInt(bits) && !isSignExtended)) wrong(word, `a number of ${bits} bits`);
  return BigInt.asIntN(bits, value);
}

/** Signed or unsigned 32 bits, as signed. */
export const imm32 = (word: Word): number => Number(integer(word, 32));
export const imm64 = (word: Word): bigint => integer(word, 64);
export const offset = (word: Word): number => Number(integer(word, 16));

/** `[%r1+2]` */
export function memory(word: Word): { register: number; off: number } {
  const match = /^\[(\s*)(%?r\d{1,2})(\s*)(?:([+-])\s*(\w+)\s*)?\]$/.exec(word.text);
  if (!match) return wrong(word, "memory, [%r1+2]");
  const [, blank, name, , sign, distance] = match;
  const at = (text: string, from: number): Word => ({ ...word, text, column: word.column + from });
  const off = distance === undefined ? 0 : offset(at(`${sign}${distance}`, word.text.indexOf(sign)));
  return { register: register(at(name, 1 + blank.length)), off };
}
