import { UserError } from "../../error.ts";
import { checked, readBinary } from "../object.ts";
import { isDmesg, parseDmesg } from "./dmesg.ts";
import { type Dump, type DumpedFunction, MOST_CODE } from "./dump.ts";
import { isHexText, parseHex } from "./hex.ts";
import { isJitdump, parseJitdump } from "./jitdump.ts";
import { isJitedJson, parseJitedJson } from "./jited-json.ts";
import { isJitedText, parseJitedText } from "./jited-text.ts";
import { JsonText } from "./json.ts";
import type { Kallsyms } from "./kallsyms.ts";
import { DumpText } from "./text.ts";
import { isXlatedText, parseXlatedJson, parseXlatedText } from "./xlated.ts";

const FORMATS =
  "output of bpftool prog dump with opcodes, a log with bpf_jit_enable=2, a jitdump, hex, or, with --at ADDRESS, raw bytes";

/** Lists and objects; lines of a log begin with "[   12.345678]". */
const JSON_START = /^\s*(\[\s*([{["\]]|$)|\{\s*(["}]|$))/;

export interface ReadOptions {
  /** where the first byte of raw bytes or hex was */
  at?: bigint;
  kallsyms?: Kallsyms;
}

/** A file of machine code, or of BPF behind the verifier, as some tool wrote it. Throws UserError. */
export function readDump(file: string, options: ReadOptions = {}): Dump {
  return parseDump(readBinary(file, "a dump"), file, options);
}

/** The dump that the bytes of `file` are. Throws UserError. */
export function parseDump(bytes: Uint8Array, file: string, { at, kallsyms }: ReadOptions = {}): Dump {
  if (!bytes.length) throw new UserError(`is empty; expected ${FORMATS}`, { file, line: 1, column: 1 });
  const dump = isJitdump(bytes)
    ? checked(file, () => parseJitdump(bytes))
    : isText(bytes)
      ? parseText(new TextDecoder().decode(bytes), file, at)
      : parseRaw(bytes, file, at);
  return kallsyms ? { ...dump, functions: withAddresses(dump.functions, kallsyms) } : dump;
}

/** Whether a file can be taken for a dump by what is in it. */
export function looksLikeDump(bytes: Uint8Array): boolean {
  if (isJitdump(bytes)) return true;
  if (!isText(bytes)) return false;
  const content = new TextDecoder().decode(bytes);
  if (JSON_START.test(content)) return true;
  const text = new DumpText(content, "");
  return isDmesg(text) || isJitedText(text) || isXlatedText(text) || isHexText(text);
}

function parseText(content: string, file: string, at: bigint | undefined): Dump {
  if (JSON_START.test(content)) {
    const json = new JsonText(content, file);
    return isJitedJson(json) ? parseJitedJson(json) : parseXlatedJson(json);
  }
  const text = new DumpText(content, file);
  if (isDmesg(text)) return parseDmesg(text);
  if (isXlatedText(text)) return parseXlatedText(text);
  if (isJitedText(text)) return parseJitedText(text);
  if (isHexText(text) || at !== undefined) return parseHex(text, at);
  const line = text.lines.findIndex((candidate) => candidate.trim());
  return text.fail(`is no dump: expected ${FORMATS}`, {
    line: Math.max(1, line + 1),
    column: 1 + (text.lines[Math.max(0, line)].search(/\S/) + 0 || 0),
  });
}

function parseRaw(bytes: Uint8Array, file: string, at: bigint | undefined): Dump {
  if (at === undefined)
    throw new UserError(`is binary: raw bytes need --at ADDRESS; else expected ${FORMATS}`, { file });
  if (bytes.length > MOST_CODE)
    throw new UserError(`is ${bytes.length} bytes; expected at most ${MOST_CODE} of machine code`, { file });
  return { format: "raw bytes", functions: [{ bytes, address: at }], bpf: [], notes: [] };
}

function isText(bytes: Uint8Array): boolean {
  for (const byte of bytes)
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x1b) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** What has a name and no address gets it; functions of one name in the order of the symbols. */
function withAddresses(functions: readonly DumpedFunction[], kallsyms: Kallsyms): DumpedFunction[] {
  const used = new Map<string, number>();
  return functions.map((fn) => {
    const { name, address } = fn;
    if (address !== undefined) {
      const known = kallsyms.nameAt(address);
      return known === undefined || name ? fn : { ...fn, name: known };
    }
    if (name === undefined) return fn;
    const nth = used.get(name) ?? 0;
    used.set(name, nth + 1);
    const found = kallsyms.addresses(name)[nth];
    return found === undefined ? fn : { ...fn, address: found };
  });
}
