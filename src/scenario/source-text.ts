import { lineStarts, type Position, positionAt } from "./lines.ts";
import type { SourceText } from "./scenario.ts";

/**
 * Where line:column of a scalar's text stands in the file it came from: block scalars lose their indentation, folded and quoted ones
 * their line breaks and escapes. `text` is the whole file (Scenario.text). Exact for every character that is not white space.
 */
export function locate(text: string, source: SourceText, at: Position): Position {
  if (isWholeFile(text, source)) return at;
  const starts = lineStarts(source.text);
  const line = Math.min(Math.max(at.line, 1), starts.length);
  const end = line < starts.length ? starts[line] - 1 : source.text.length;
  const offset = Math.min(starts[line - 1] + Math.max(at.column, 1) - 1, end);
  return positionAt(lineStarts(text), fileOffset(text, source, offset));
}

/** A file of assembly is its own text. */
export const isWholeFile = (text: string, { start, end }: SourceText): boolean => start === 0 && end === text.length;

const isSpace = (char: string | undefined) => char === undefined || /[ \t\r\n]/.test(char);

/** Walks the file's characters and the value's side by side, up to the value's character `offset`. */
function fileOffset(text: string, source: SourceText, offset: number): number {
  const style = text[source.start];
  const quoted = style === '"' || style === "'";
  let at = source.start;
  if (style === "|" || style === ">") at = Math.min(text.indexOf("\n", at) + 1 || source.end, source.end);
  else if (quoted) at++;

  for (let i = 0; ; i++) {
    const char = source.text[i];
    if (style === '"') at = skipContinuation(text, at);
    let escaped = quoted ? escapeLength(text, at, style) : 0;
    if (!escaped && !isSpace(char)) {
      while (at < source.end && isSpace(text[at])) at++;
      if (quoted) escaped = escapeLength(text, at, style);
    }
    if (i >= offset) return Math.min(at, source.end);
    if (escaped) {
      at += escaped;
      if (escaped === 10 && source.text.codePointAt(i)! > 0xffff) i++;
    } else if (quoted && isSpace(char)) at = foldedSpace(text, at);
    else if (char === "\n") at = newline(text, at, source.end);
    else if (!isSpace(char) || text[at] === char) at++;
  }
}

/** Behind the next line break, if only white space stands before it. */
function newline(text: string, at: number, end: number): number {
  let next = at;
  while (next < end && isSpace(text[next]) && text[next] !== "\n") next++;
  return text[next] === "\n" ? next + 1 : at;
}

/** One space, or all the white space around the line breaks that folding turned into one. */
function foldedSpace(text: string, at: number): number {
  const run = /[ \t\r]*\n[ \t\r\n]*|[ \t]?/y;
  run.lastIndex = at;
  return at + (run.exec(text)?.[0].length ?? 0);
}

/** A backslash at the end of a line joins it to the next. */
function skipContinuation(text: string, at: number): number {
  const match = /\\\r?\n[ \t]*/y;
  match.lastIndex = at;
  return at + (match.exec(text)?.[0].length ?? 0);
}

function escapeLength(text: string, at: number, quote: string): number {
  if (quote === "'") return text.startsWith("''", at) ? 2 : 0;
  if (text[at] !== "\\") return 0;
  return { x: 4, u: 6, U: 10 }[text[at + 1]] ?? 2;
}
