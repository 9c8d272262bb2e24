import { AsmError } from "../../../bpf/asm/error.ts";
import { assembleUbpf } from "../../../bpf/asm-ubpf/assemble.ts";
import { decodeInsns, type Insn } from "../../../bpf/insn.ts";
import { UserError } from "../../error.ts";
import { readSections, type Section } from "./sections.ts";

/** A test of bpf_conformance or ubpf: a program, the memory that R1 points to (R2: its length), what comes of it. */
export interface DataTest {
  file: string;
  insns: Insn[];
  memory: Uint8Array;
  expected: { kind: "result"; value: bigint; line: number } | { kind: "error"; text: string; line: number };
}

/** A file that is no test for us. */
export interface Inapplicable {
  file: string;
  inapplicable: string;
}

/** Sections that say nothing about what is to come out. */
const IGNORED = new Set(["c", "no register offset", "description", "no jit", "test_jit"]);
/** Sections that ask for what only ubpf's own test runner does. */
const UNSUPPORTED: Record<string, string> = {
  pyelf: "it makes an ELF object with ubpf's own scripts",
  reload: "it loads a program twice",
  unload: "it unloads a program",
  map: "it needs maps",
};
const KNOWN = ["asm", "raw", "mem", "result", "error", "error pattern"];

/** Reads a file that a section names, relative to the test. Throws UserError. */
export type ReadBeside = (name: string) => string;

/** A .data file. Throws UserError with the place and what was expected. */
export function parseDataFile(text: string, file: string, readBeside: ReadBeside): DataTest | Inapplicable {
  const found = new Map<string, Section>();
  for (const section of readSections(text, file)) {
    const name = sectionName(section.name);
    if (UNSUPPORTED[name]) return { file, inapplicable: UNSUPPORTED[name] };
    if (IGNORED.has(name)) continue;
    if (!KNOWN.includes(name)) return { file, inapplicable: `it has a section "${section.name}"` };
    if (section.from) section.lines = readBeside(section.from).split("\n");
    found.set(name, section);
  }
  const expected = expectation(found, file);
  if (!expected) return { file, inapplicable: "it says neither a result nor an error" };
  const program = found.get("raw") ?? found.get("asm");
  if (!program) return { file, inapplicable: "it has no program" };
  const unknown = program.lines.find((line) => /map_by_fd|\bcall\s+bpf_/.test(line));
  if (unknown) return { file, inapplicable: "it needs maps" };
  const insns = found.has("raw") ? rawInsns(program, file) : assembled(program, file);
  if (!insns.length) return { file, inapplicable: "it has no program" };
  const memory = found.get("mem");
  return { file, insns, memory: memory ? hexBytes(memory, file) : new Uint8Array(), expected };
}

/** bpf_conformance looks for words in the header: `-- asm: the program` is an asm section, too. */
function sectionName(header: string): string {
  const exact = header.toLowerCase();
  if (KNOWN.includes(exact) || IGNORED.has(exact) || UNSUPPORTED[exact]) return exact;
  return ["asm", "result", "mem", "raw", "no register offset", "error"].find((name) => exact.includes(name)) ?? exact;
}

/** The last line that says something; an error counts before a result. */
function expectation(found: Map<string, Section>, file: string): DataTest["expected"] | undefined {
  const last = (name: string): { text: string; line: number } | undefined => {
    const section = found.get(name);
    const at = section ? section.lines.findLastIndex((line) => line.trim()) : -1;
    return section && at >= 0 ? { text: section.lines[at].trim(), line: section.line + 1 + at } : undefined;
  };
  const error = last("error") ?? last("error pattern");
  if (error) return { kind: "error", ...error };
  const result = last("result");
  if (!result) return undefined;
  const { text, line } = result;
  if (!isU64(text)) throw new UserError(`expected a number of 64 bits, found "${text}"`, { file, line, column: 1 });
  return { kind: "result", value: BigInt(text), line };
}

const isU64 = (text: string): boolean => /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) && BigInt(text) < 1n << 64n;

/** Words of a section, each with its place. */
function* words({ lines, line }: Section): Generator<{ text: string; line: number; column: number }> {
  for (const [index, content] of lines.entries())
    for (const match of content.replace(/#.*/, "").matchAll(/\S+/g))
      yield { text: match[0], line: line + 1 + index, column: match.index + 1 };
}

/** One instruction slot a word: a u64, the opcode in its low byte. */
function rawInsns(section: Section, file: string): Insn[] {
  const bytes: number[] = [];
  for (const { text, line, column } of words(section)) {
    if (!isU64(text))
      throw new UserError(`expected an instruction (a number of 64 bits), found "${text}"`, { file, line, column });
    for (let value = BigInt(text), i = 0; i < 8; i++, value >>= 8n) bytes.push(Number(value & 0xffn));
  }
  return decodeInsns(Uint8Array.from(bytes));
}

function hexBytes(section: Section, file: string): Uint8Array {
  const bytes: number[] = [];
  for (const { text, line, column } of words(section)) {
    if (!/^(0[xX])?[0-9a-fA-F]{1,2}$/.test(text))
      throw new UserError(`expected a byte in hex, found "${text}"`, { file, line, column });
    bytes.push(Number.parseInt(text, 16));
  }
  return Uint8Array.from(bytes);
}

function assembled({ lines, line }: Section, file: string): Insn[] {
  try {
    return assembleUbpf(lines.join("\n"), line + 1).insns;
  } catch (error) {
    if (!(error instanceof AsmError)) throw error;
    const message = error.message.replace(/^\d+:\d+: /, "");
    throw new UserError(message, { file, line: error.line, column: error.column });
  }
}
