import { Reader } from "../reader.ts";
import type { Btf } from "./btf.ts";

const MAGIC = 0xeb9f;
const HEADER_SIZE = 24;

/** Offsets are bytes from the start of the ELF section that the record is about. */
export interface FuncRecord {
  offset: number;
  /** id of a func type */
  type: number;
}

export interface LineRecord {
  offset: number;
  file: string;
  /** the source line, as the compiler saw it */
  text: string;
  /** 1-based */
  line: number;
  column: number;
}

/** struct bpf_core_relo */
export interface CoreRecord {
  offset: number;
  /** id of the type whose member is accessed */
  type: number;
  /** "0:1:2": indices of members and elements */
  access: string;
  /** enum bpf_core_relo_kind */
  kind: number;
}

/** What section .BTF.ext says, by name of the ELF section. Records are in order of offset. */
export interface BtfExt {
  funcs: Map<string, FuncRecord[]>;
  lines: Map<string, LineRecord[]>;
  cores: Map<string, CoreRecord[]>;
}

/** Decode section .BTF.ext, whose texts are in `btf`. Throws FormatError. */
export function decodeBtfExt(bytes: Uint8Array, btf: Btf): BtfExt {
  const file = new Reader(bytes, "section .BTF.ext");
  if (file.u16(0) !== MAGIC) file.fail("expected to begin with 9f eb", 0);
  const header = file.u32(4);
  if (header < HEADER_SIZE) file.fail(`has a header of ${header} bytes; expected at least ${HEADER_SIZE}`, 4);
  const part = (at: number) => new Reader(file.slice(header + file.u32(at), file.u32(at + 4)), file.what);
  const func = (of: Reader, at: number): FuncRecord => ({ offset: of.u32(at), type: of.u32(at + 4) });
  const line = (of: Reader, at: number): LineRecord => {
    const place = of.u32(at + 12);
    return {
      offset: of.u32(at),
      file: btf.text(of.u32(at + 4)).replace(/(^|\/)(?:\.\/)+/g, "$1"),
      text: btf.text(of.u32(at + 8)),
      line: place >>> 10,
      column: place & 0x3ff,
    };
  };
  const core = (of: Reader, at: number): CoreRecord => ({
    offset: of.u32(at),
    type: of.u32(at + 4),
    access: btf.text(of.u32(at + 8)),
    kind: of.u32(at + 12),
  });
  const hasCores = header >= HEADER_SIZE + 8;
  return {
    funcs: records(part(8), btf, 8, func),
    lines: records(part(16), btf, 16, line),
    cores: hasCores ? records(part(24), btf, 16, core) : new Map(),
  };
}

/** rec_size, then per section: name, number of records, the records. */
function records<T extends { offset: number }>(
  part: Reader,
  btf: Btf,
  least: number,
  decode: (of: Reader, at: number) => T,
): Map<string, T[]> {
  const bySection = new Map<string, T[]>();
  if (part.length === 0) return bySection;
  const size = part.u32(0);
  if (size < least || size % 4) part.fail(`has records of ${size} bytes; expected ${least}`, 0);
  for (let at = 4; at < part.length; ) {
    const section = btf.text(part.u32(at));
    const count = part.u32(at + 4);
    if (count === 0) part.fail(`has no record for section ${section}`, at);
    part.slice(at + 8, count * size);
    const found = Array.from({ length: count }, (_, i) => decode(part, at + 8 + i * size));
    bySection.set(
      section,
      [...(bySection.get(section) ?? []), ...found].sort((a, b) => a.offset - b.offset),
    );
    at += 8 + count * size;
  }
  return bySection;
}
