import { UserError } from "../../error.ts";
import type { Position } from "./dump.ts";

/** A text that is read by lines, and says where what is wrong in it stands. */
export class DumpText {
  readonly file: string;
  readonly lines: readonly string[];

  constructor(text: string, file: string) {
    this.file = file;
    this.lines = text.split(/\r?\n/);
  }

  /** Throws UserError; `line` and `column` are 1-based. */
  fail(message: string, { line, column }: Position): never {
    throw new UserError(message, { file: this.file, line, column });
  }

  /** Where the text ends. */
  get end(): Position {
    let line = this.lines.length;
    while (line > 1 && !this.lines[line - 1].trim()) line--;
    return { line, column: this.lines[line - 1].length + 1 };
  }
}

const HEX_BYTE = /^[0-9a-fA-F]{2}$/;

/** Bytes written as `55 48 89 e5`, from `column` (1-based) of a line on. Throws UserError at the first that is none. */
export function hexBytes(text: DumpText, line: number, column: number, hex: string): number[] {
  const bytes: number[] = [];
  for (const { 0: token, index } of hex.matchAll(/\S+/g)) {
    if (!HEX_BYTE.test(token))
      text.fail(`"${token.slice(0, 20)}" is no byte; expected two hex digits`, { line, column: column + index });
    bytes.push(Number.parseInt(token, 16));
  }
  return bytes;
}
