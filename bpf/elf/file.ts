import { FormatError, Reader } from "../reader.ts";

const HEADER_SIZE = 64;
const SECTION_SIZE = 64;
const SYMBOL_SIZE = 24;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ELFDATA2MSB = 2;
const ET_REL = 1;
const EM_BPF = 247;
const MACHINES: Record<number, string> = { 3: "i386", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V" };

export const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_RELA = 4;
export const SHT_NOBITS = 8;
const SHT_REL = 9;
export const SHF_WRITE = 1;
export const SHF_EXECINSTR = 4;
const SHN_LORESERVE = 0xff00;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STB_LOCAL = 0;
export const STB_WEAK = 2;

/** A section of an object file. `bytes` is empty for SHT_NOBITS (.bss), whose `size` is what it takes in memory. */
export interface Section {
  index: number;
  name: string;
  type: number;
  flags: number;
  size: number;
  align: number;
  bytes: Uint8Array;
  relocations: Relocation[];
}

export interface ElfSymbol {
  name: string;
  /** bytes from the start of its section */
  value: number;
  size: number;
  /** STT_* and STB_* */
  type: number;
  bind: number;
  /** undefined: defined elsewhere (SHN_UNDEF), or not in a section */
  section: Section | undefined;
  undefined: boolean;
}

/** What the linker, here the loader, is to fill in at byte `offset` of a section. The addend is what stands there already. */
export interface Relocation {
  offset: number;
  /** R_BPF_* */
  type: number;
  symbol: ElfSymbol;
}

export interface ElfFile {
  sections: Section[];
  symbols: ElfSymbol[];
}

/** Whether bytes begin like an ELF file. */
export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** The parts of an ELF object for BPF: 64 bits, little-endian, relocatable. Throws FormatError. */
export function readElf(bytes: Uint8Array): ElfFile {
  const file = new Reader(bytes, "ELF object");
  checkHeader(file);
  const raw = sectionTable(file);
  const sections = raw.map(({ section }) => section);
  const symbols = readSymbols(file, raw);
  for (const { section, info, link } of raw) {
    if (section.type !== SHT_REL && section.type !== SHT_RELA) continue;
    const target = sections[info];
    if (!target || target === section)
      return file.fail(`section ${section.name} relocates section ${info}, which does not exist`);
    if (raw[link]?.section.type !== SHT_SYMTAB) file.fail(`section ${section.name} names no symbol table`);
    target.relocations.push(...readRelocations(section, symbols));
  }
  for (const { relocations } of sections) relocations.sort((a, b) => a.offset - b.offset);
  return { sections, symbols };
}

function checkHeader(file: Reader): void {
  if (!isElf(file.bytes)) file.fail("expected to begin with 7f 45 4c 46", 0);
  file.slice(0, 20);
  if (file.u8(5) === ELFDATA2MSB) file.fail("is big-endian; expected little-endian (clang --target=bpfel)", 5);
  if (file.u8(4) !== ELFCLASS64 || file.u8(5) !== ELFDATA2LSB) file.fail("is not of 64 bits", 4);
  const machine = file.u16(18);
  if (machine !== EM_BPF)
    file.fail(`is for ${MACHINES[machine] ?? `machine ${machine}`}; expected BPF (clang --target=bpf)`, 18);
  file.slice(0, HEADER_SIZE);
  if (file.u16(16) !== ET_REL) file.fail(`has type ${file.u16(16)}; expected a relocatable object (clang -c)`, 16);
  if (file.u16(58) !== SECTION_SIZE)
    file.fail(`has section headers of ${file.u16(58)} bytes; expected ${SECTION_SIZE}`, 58);
}

interface RawSection {
  section: Section;
  link: number;
  info: number;
}

function sectionTable(file: Reader): RawSection[] {
  const table = file.size(40);
  const count = file.u16(60);
  if (count === 0) file.fail("has no sections", 60);
  file.slice(table, count * SECTION_SIZE);
  const raw = Array.from({ length: count }, (_, index) => readSection(file, table + index * SECTION_SIZE, index));
  const names = raw[file.u16(62)];
  if (!names) return file.fail(`names section ${file.u16(62)} of ${count} for the names`, 62);
  const strings = new Reader(names.section.bytes, "ELF section names");
  for (const { section, name } of raw) section.name = name === 0 ? "" : strings.text(name);
  return raw;
}

function readSection(file: Reader, at: number, index: number): RawSection & { name: number } {
  const type = file.u32(at + 4);
  const size = file.size(at + 32);
  const hasBytes = type !== 0 && type !== SHT_NOBITS;
  const section: Section = {
    index,
    name: "",
    type,
    flags: Number(file.u64(at + 8) & 0xffffffffn),
    size,
    align: file.size(at + 48),
    bytes: hasBytes ? file.slice(file.size(at + 24), size) : new Uint8Array(),
    relocations: [],
  };
  return { section, name: file.u32(at), link: file.u32(at + 40), info: file.u32(at + 44) };
}

function readSymbols(file: Reader, raw: readonly RawSection[]): ElfSymbol[] {
  const tables = raw.filter(({ section }) => section.type === SHT_SYMTAB);
  if (tables.length === 0) return [];
  if (tables.length > 1) file.fail("has several symbol tables");
  const [{ section, link }] = tables;
  const table = new Reader(section.bytes, `section ${section.name || ".symtab"}`);
  const names = raw[link]?.section ?? table.fail(`names section ${link} for the names`);
  const strings = new Reader(names.bytes, `section ${names.name}`);
  if (table.length % SYMBOL_SIZE) table.fail(`is ${table.length} bytes, no whole number of symbols`);
  return Array.from({ length: table.length / SYMBOL_SIZE }, (_, i): ElfSymbol => {
    const at = i * SYMBOL_SIZE;
    const name = table.u32(at);
    const info = table.u8(at + 4);
    const index = table.u16(at + 6);
    const home = index !== 0 && index < SHN_LORESERVE ? raw[index]?.section : undefined;
    if (index !== 0 && index < SHN_LORESERVE && !home)
      table.fail(`symbol ${i} is in section ${index} of ${raw.length}`, at);
    return {
      name: name ? strings.text(name) : home && (info & 15) === STT_SECTION ? home.name : "",
      value: table.size(at + 8),
      size: table.size(at + 16),
      type: info & 15,
      bind: info >> 4,
      section: home,
      undefined: index === 0,
    };
  });
}

function readRelocations({ name, type, bytes }: Section, symbols: readonly ElfSymbol[]): Relocation[] {
  const table = new Reader(bytes, `section ${name}`);
  const size = type === SHT_RELA ? 24 : 16;
  if (table.length % size) table.fail(`is ${table.length} bytes, no whole number of relocations`);
  return Array.from({ length: table.length / size }, (_, i) => {
    const at = i * size;
    const info = table.u64(at + 8);
    const index = Number(info >> 32n);
    const symbol = symbols[index] ?? table.fail(`there is no symbol ${index} of ${symbols.length}`, at);
    if (type === SHT_RELA && table.u64(at + 16) !== 0n)
      table.fail("has an addend of its own; BPF objects have none", at);
    return { offset: table.size(at), type: Number(info & 0xffffffffn), symbol };
  });
}

/** Throws FormatError about a section, and a symbol in it where that is known. */
export function refuse(section: { name: string }, message: string, offset?: number): never {
  throw new FormatError(`section ${section.name}`, message, offset);
}
