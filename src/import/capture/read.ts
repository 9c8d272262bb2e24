import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { UserError } from "../../error.ts";
import { checkAgainst, checkSet } from "./agree.ts";
import type { CaptureRecord, KernelRecord, ProgramsRecord } from "./format.ts";
import { checkCapture, checkKernel, checkPrograms } from "./shape.ts";

/** A capture with the programs it was made from. */
export interface Capture {
  file: string;
  /** e.g. "x86_64-6.12-default" */
  variant: string;
  kernel: KernelRecord;
  records: CaptureRecord[];
  programs: Map<string, ProgramsRecord>;
}

const PACKED = [".br", ".gz", ""];
/** Bytes of text that a file may unpack to: a string holds no more. */
const MAX_TEXT = 0x1fffffe8;

/**
 * Read VARIANT.jsonl[.br|.gz] with VARIANT.kernel.json and programs.jsonl beside it: each record is of the right shape, and
 * the files fit together. Throws UserError.
 */
export function readCapture(file: string): Capture {
  const match = /^(.+)\.jsonl(\.br|\.gz)?$/.exec(basename(file));
  if (!match) throw new UserError("expected a capture, VARIANT.jsonl or VARIANT.jsonl.br", { file });
  const variant = match[1];
  // a name that is wrong shows in what is missing beside it; a file that is wrong, in the file
  const text = readText(file);
  const kernelFile = beside(file, `${variant}.kernel.json`);
  const kernel = parseJson(readText(kernelFile), kernelFile, 1, checkKernel);
  const programs = readPrograms(beside(file, "programs.jsonl"));
  const records = parseLines(text, file, (value) => {
    const record = checkCapture(value);
    const set = programs.get(record.set);
    if (!set) throw new Error(`set: there is no ${record.set} in programs.jsonl`);
    checkAgainst(record, set);
    return record;
  });
  return { file, variant, kernel, records, programs };
}

function readPrograms(file: string): Map<string, ProgramsRecord> {
  const programs = new Map<string, ProgramsRecord>();
  parseLines(readText(file), file, (value) => {
    const set = checkPrograms(value);
    if (programs.has(set.set)) throw new Error(`set: there are two ${set.set}`);
    checkSet(set);
    programs.set(set.set, set);
    return set;
  });
  return programs;
}

/** The file of that name in the same folder, packed or not. */
function beside(file: string, name: string): string {
  for (const suffix of PACKED) {
    const candidate = join(dirname(file), name + suffix);
    if (existsSync(candidate)) return candidate;
  }
  throw new UserError(`${name}[.br] is missing beside it`, { file });
}

/** Text of a file, unpacked by what its name ends in. Throws UserError. */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    if (statSync(file).isDirectory()) throw new UserError("is a folder; expected a file", { file });
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(code === "ENOENT" ? "no such file" : `cannot be read (${code})`, { file });
  }
  try {
    const limit = { maxOutputLength: MAX_TEXT };
    if (file.endsWith(".br")) bytes = brotliDecompressSync(bytes, limit);
    else if (file.endsWith(".gz")) bytes = gunzipSync(bytes, limit);
  } catch {
    throw new UserError("is cut short or damaged: it does not unpack", { file });
  }
  return bytes.toString("utf8");
}

function parseLines<T>(text: string, file: string, check: (value: unknown) => T): T[] {
  const lines = text.split("\n");
  const records: T[] = [];
  lines.forEach((line, index) => {
    if (line.trim()) records.push(parseJson(line, file, index + 1, check));
  });
  if (!records.length) throw new UserError("is empty; expected one JSON object a line", { file });
  return records;
}

function parseJson<T>(text: string, file: string, line: number, check: (value: unknown) => T): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError("is no JSON here (cut short?)", { file, ...placeIn(text, line, (error as Error).message) });
  }
  try {
    return check(value);
  } catch (error) {
    throw new UserError((error as Error).message, { file, line, column: 1 });
  }
}

/** Where JSON.parse() stopped, as far as its message tells; `line` is the text's first. */
function placeIn(text: string, line: number, message: string): { line: number; column?: number } {
  const position =
    /at position (\d+)/.exec(message)?.[1] ?? (/^Unexpected end/.test(message) ? text.length : undefined);
  if (position === undefined) return { line };
  const rows = text.slice(0, Number(position)).split("\n");
  return { line: line + rows.length - 1, column: rows[rows.length - 1].length + 1 };
}
