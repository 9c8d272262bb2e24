import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { type Document, parseDocument } from "yaml";
import { UserError } from "../error.ts";
import { lineStarts, positionAt } from "./lines.ts";

/** Bytes; a scenario is one screen, the largest with machine code in it a few. */
export const MAX_FILE_SIZE = 256 * 1024;
/** Aliases that are followed in one file; a scenario needs none or a few. */
export const MAX_ALIASES = 100;
const MAX_NESTING = 50;

/** A file's text and its YAML nodes. */
export interface SourceFile {
  name: string;
  text: string;
  starts: readonly number[];
  document: Document.Parsed;
  aliases: number;
}

/** What is read: in words for errors, and how large it may be. */
export interface TextKind {
  file: string;
  whole: string;
  content: string;
  /** bytes */
  most: number;
}

const SCENARIO: TextKind = { file: "a .yaml file", whole: "a scenario", content: "YAML", most: MAX_FILE_SIZE };

/** The file's text. Throws UserError when it is missing, no regular file, too large or no UTF-8 text. */
export function readText(file: string, kind: TextKind = SCENARIO): string {
  let bytes: Uint8Array;
  try {
    const fd = openSync(file, "r");
    try {
      const stat = fstatSync(fd);
      if (stat.isDirectory()) throw new UserError(`is a folder; expected ${kind.file}`, { file });
      if (!stat.isFile()) throw new UserError(`is no regular file; expected ${kind.file}`, { file });
      if (stat.size > kind.most)
        throw new UserError(`is ${stat.size} bytes; expected ${kind.whole} of at most ${kind.most}`, { file });
      bytes = readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why: Record<string, string> = {
      ENOENT: "no such file",
      EACCES: "no permission to read it",
      EISDIR: `is a folder; expected ${kind.file}`,
    };
    throw new UserError(why[code ?? ""] ?? message, { file }, { cause: error });
  }
  return decode(bytes, file, kind);
}

function decode(bytes: Uint8Array, file: string, { content }: TextKind): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const odd = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.exec(text);
    if (odd === null) return text;
    const at = positionAt(lineStarts(text), odd.index);
    throw new UserError(`is no text: a control character; expected ${content}`, { file, ...at });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`is no UTF-8 text; expected ${content}`, { file, line: 1, column: 1 }, { cause: error });
  }
}

/** Parses one YAML 1.2 document, integers as bigint. Throws UserError at the first thing that is wrong. */
export function parseYaml(text: string, name: string): SourceFile {
  const starts = lineStarts(text);
  const fail = (message: string, offset: number): never => {
    throw new UserError(message, { file: name, ...positionAt(starts, Math.min(offset, text.length)) });
  };
  const deep = new RegExp(`(?:[?:-][ \\t]+){${MAX_NESTING}}|(?:[[{][ \\t]*){${MAX_NESTING}}`).exec(text);
  if (deep) fail(`is nested more than ${MAX_NESTING} deep`, deep.index);

  const document = parseDocument(text, {
    intAsBigInt: true,
    prettyErrors: false,
    uniqueKeys: false,
    keepSourceTokens: true,
    logLevel: "error",
  });
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    if (code === "MULTIPLE_DOCS") fail('a second document after "---"; expected one scenario per file', pos[0]);
    if (code === "RESOURCE_EXHAUSTION") fail("is nested too deeply", pos[0]);
    fail(`is no YAML: ${message[0].toLowerCase()}${message.slice(1)}`, pos[0]);
  }
  return { name, text, starts, document, aliases: 0 };
}
