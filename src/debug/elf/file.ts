import { ByteWriter } from "./bytes.ts";

export const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
export const SHT_NOBITS = 8;
export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
const STB_GLOBAL = 1;
const ET_EXEC = 2;
const EM_X86_64 = 62;
const EHDR_SIZE = 64;
const SHDR_SIZE = 64;
const SYM_SIZE = 24;

export interface Section {
  name: string;
  type: typeof SHT_PROGBITS | typeof SHT_NOBITS;
  flags: number;
  address: bigint;
  /** bytes, or how many there are (SHT_NOBITS) */
  content: Uint8Array | number;
}

export interface Symbol {
  name: string;
  type: typeof STT_OBJECT | typeof STT_FUNC;
  /** name of a section */
  section: string;
  address: bigint;
  size: number;
}

interface Header {
  name: number;
  type: number;
  flags: number;
  address: bigint;
  offset: number;
  size: number;
  link: number;
  info: number;
  align: number;
  entry: number;
}

/** An executable of x86-64 for debuggers: sections at their addresses and symbols, nothing to load. */
export function elfFile(sections: readonly Section[], symbols: readonly Symbol[]): Buffer {
  const names = new Strings();
  const symbolNames = new Strings();
  const table = new ByteWriter().bytes(new Uint8Array(SYM_SIZE));
  for (const { name, type, section, address, size } of symbols)
    table
      .u32(symbolNames.add(name))
      .u8((STB_GLOBAL << 4) | type, 0)
      .u16(1 + sections.findIndex((one) => one.name === section))
      .u64(address)
      .u64(BigInt(size));
  const file = new ByteWriter().bytes(new Uint8Array(EHDR_SIZE));
  const headers: Header[] = [NO_SECTION];
  const place = (content: Uint8Array, header: Partial<Header> & Pick<Header, "name" | "type">): void => {
    file.align(8);
    headers.push({ ...NO_SECTION, align: 1, offset: file.length, size: content.length, ...header });
    if (header.type !== SHT_NOBITS) file.bytes(content);
  };
  for (const { name, type, flags, address, content } of sections) {
    const [bytes, size] = typeof content === "number" ? [EMPTY, content] : [content, content.length];
    place(bytes, { name: names.add(name), type, flags, address, size });
  }
  const symtab = headers.length;
  place(table.take(), {
    ...{ name: names.add(".symtab"), type: SHT_SYMTAB, link: symtab + 1, info: 1, align: 8, entry: SYM_SIZE },
  });
  place(symbolNames.take(), { name: names.add(".strtab"), type: SHT_STRTAB });
  const shstrtab = names.add(".shstrtab");
  place(names.take(), { name: shstrtab, type: SHT_STRTAB });
  file.align(8);
  const start = file.length;
  for (const header of headers) writeHeader(file, header);
  const bytes = file.take();
  bytes.set(elfHeader(start, headers.length));
  return bytes;
}

const EMPTY = new Uint8Array();
const NO_SECTION: Header = {
  ...{ name: 0, type: 0, flags: 0, address: 0n, offset: 0, size: 0, link: 0, info: 0, align: 0, entry: 0 },
};

function elfHeader(sections: number, count: number): Buffer {
  return new ByteWriter()
    .bytes(Buffer.from("\x7fELF\x02\x01\x01".padEnd(16, "\0"), "latin1")) // 64 bits, little endian, version 1
    .u16(ET_EXEC)
    .u16(EM_X86_64)
    .u32(1)
    .u64(0n) // entry
    .u64(0n) // no program headers
    .u64(BigInt(sections))
    .u32(0)
    .u16(EHDR_SIZE)
    .u16(0)
    .u16(0)
    .u16(SHDR_SIZE)
    .u16(count)
    .u16(count - 1) // the section names come last
    .take();
}

function writeHeader(
  to: ByteWriter,
  { name, type, flags, address, offset, size, link, info, align, entry }: Header,
): void {
  to.u32(name).u32(type).u64(BigInt(flags)).u64(address).u64(BigInt(offset)).u64(BigInt(size));
  to.u32(link).u32(info).u64(BigInt(align)).u64(BigInt(entry));
}

/** A string table. */
class Strings {
  readonly #bytes = new ByteWriter().u8(0);

  add(text: string): number {
    const at = this.#bytes.length;
    this.#bytes.string(text);
    return at;
  }

  take(): Buffer {
    return this.#bytes.take();
  }
}
