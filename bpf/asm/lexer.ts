import { AsmError } from "./error.ts";

export interface Token {
  /** `local`: `1f` or `1b`, a reference to the next or last label `1:`; `end`: end of the statement */
  kind: "name" | "number" | "local" | "operator" | "end";
  text: string;
  /** of a number */
  value: bigint;
  /** 1-based */
  column: number;
}

const BLANK = /[ \t\r\f\v]+/y;
const COMMENT = /#|\/\//y;
const LOCAL = /[0-9]{1,9}[fb](?![\w.$])/y;
const NUMBER = /0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+/y;
/** `%=` makes labels of inline assembly unique. */
const NAME = /[A-Za-z_.$][\w.$]*(?:(?<=_)%=)?/y;
/** Operand `name` of inline assembly. */
const OPERAND = /%\[[A-Za-z_]\w*\]/y;
const OPERATOR = /s?>>=|<<=|s?[<>]=|s?\/=|s?%=|[-+*|&^=!]=|<<|>>|s?[<>]|[-+*/%|&^~()[\],:=]/y;
const WORD = /[\w.$]/;
const LONGEST_NUMBER = 80;

/** Cuts lines into statements and those into tokens. It wants the lines in order, because a block comment may span them. */
export class Lexer {
  readonly #semicolonSeparates: boolean;
  #comment: { line: number; column: number } | undefined;

  /** @param semicolonSeparates `;` ends an instruction, as in LLVM; otherwise it starts a comment */
  constructor(semicolonSeparates: boolean) {
    this.#semicolonSeparates = semicolonSeparates;
  }

  /** The statements of one line, each a list of tokens with an `end`. Throws AsmError. */
  statements(text: string, line: number): Token[][] {
    const statements: Token[][] = [[]];
    let at = 0;
    while (at < text.length) {
      const comment = this.#comment ?? (text.startsWith("/*", at) ? { line, column: at + 1 } : undefined);
      if (comment) {
        const close = text.indexOf("*/", this.#comment ? at : at + 2);
        this.#comment = close < 0 ? comment : undefined;
        at = close < 0 ? text.length : close + 2;
      } else if (match(BLANK, text, at)) {
        at = BLANK.lastIndex;
      } else if (match(COMMENT, text, at) || (text[at] === ";" && !this.#semicolonSeparates)) {
        break;
      } else if (text[at] === ";") {
        statements.at(-1)!.push(endAt(++at));
        statements.push([]);
      } else {
        const { token, length } = lexToken(text, at, line);
        statements.at(-1)!.push(token);
        at += length;
      }
    }
    statements.at(-1)!.push(endAt(Math.min(at, text.trimEnd().length) + 1));
    return statements;
  }

  /** Call after the last line. Throws AsmError for a block comment without end. */
  finish(): void {
    if (this.#comment) throw new AsmError(this.#comment.line, this.#comment.column, '"/*"', 'a closing "*/"');
  }
}

const endAt = (column: number): Token => ({ kind: "end", text: "", value: 0n, column });

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function lexToken(text: string, at: number, line: number): { token: Token; length: number } {
  const token = (kind: Token["kind"], length: number, word: string, value = 0n) => ({
    token: { kind, text: word, value, column: at + 1 },
    length,
  });
  const local = match(LOCAL, text, at);
  if (local) return token("local", local.length, local);
  const number = match(NUMBER, text, at);
  if (number) return token("number", number.length, number, numberOf(number, text[at + number.length], line, at + 1));
  const operand = match(OPERAND, text, at);
  if (operand) return token("name", operand.length, operand.slice("%[".length, -"]".length));
  const operator = match(OPERATOR, text, at);
  if (operator) return token("operator", operator.length, operator);
  const name = match(NAME, text, at);
  if (name) return token("name", name.length, name);
  const character = String.fromCodePoint(text.codePointAt(at)!);
  throw new AsmError(line, at + 1, JSON.stringify(character), "an instruction");
}

/** Decimal, `0x`, `0b`, and octal after a leading 0, as LLVM reads numbers. */
function numberOf(number: string, next: string | undefined, line: number, column: number): bigint {
  const octal = /^0[0-9]/.test(number);
  if (next !== undefined && WORD.test(next)) throw new AsmError(line, column, `"${number}${next}"`, "a number");
  if (octal && /[89]/.test(number)) throw new AsmError(line, column, `"${number}"`, "octal digits after a leading 0");
  if (number.length > LONGEST_NUMBER) throw new AsmError(line, column, "a longer one", "a number of at most 64 bits");
  return BigInt(octal ? `0o${number}` : number);
}
