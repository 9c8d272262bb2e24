import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { HOST_FRAME } from "../../emulator/host.ts";
import { RETURN_TO_KERNEL, TEXT_BASE, TEXT_SIZE } from "../../emulator/layout.ts";
import { ArrayMap } from "../../emulator/maps/array.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { REG_NAMES } from "../../jit/x86/regs.ts";
import { UserError } from "../error.ts";
import type { World } from "../runner/build.ts";
import { unwindRows } from "../runner/unwind.ts";
import {
  type Symbol as ElfSymbol,
  elfFile,
  type Section,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_PROGBITS,
  STT_FUNC,
  STT_OBJECT,
} from "./elf/file.ts";
import { DWARF_REGISTERS, debugFrame, type FrameRange } from "./elf/frames.ts";
import { debugAbbrev, debugInfo, type VariableInfo } from "./elf/info.ts";
import { debugLine } from "./elf/line-table.ts";
import { type ListedFunction, listBpf } from "./listing.ts";
import { debuggerNames } from "./names.ts";

/** What a debugger is given of a world. */
export interface ProgramFile {
  /** paths: the ELF file, and the listing that is its source */
  elf: string;
  listing: string;
}

const TEXT = ".text";
const KERNEL = ".kernel";
const RETURN = ".return";
const MAPS = ".maps";
/** A return address is looked up a byte before it. */
const RETURN_START = RETURN_TO_KERNEL - 16n;
const RETURN_SIZE = 32;
const CODE = SHF_ALLOC | SHF_EXECINSTR;

/**
 * Write an ELF file of the world's code with symbols, BPF lines, frames and maps, and the listing beside it. `name`: of both, without
 * their endings. Throws UserError where they cannot be written.
 */
export function writeProgramFile(
  world: World,
  folder: string,
  name: string,
  title: string,
  source: string,
): ProgramFile {
  const { machine } = world.session;
  const listing = listBpf(machine, world.book, title, source);
  const files = { elf: join(folder, `${name}.elf`), listing: join(folder, `${name}.bpf`) };
  const { functions } = listing;
  const names = debuggerNames(functions.map(({ func }) => func.image.name));
  const text = textSection(world, functions);
  const variables = variablesOf(world);
  const kernel = kernelSymbols(world);
  const bytes = elfFile(
    [
      text,
      { name: KERNEL, type: SHT_NOBITS, flags: CODE, address: TEXT_BASE, content: Number(TEXT_SIZE) },
      { name: RETURN, type: SHT_NOBITS, flags: CODE, address: RETURN_START, content: RETURN_SIZE },
      mapsSection(variables),
      debugSection(".debug_abbrev", debugAbbrev()),
      debugSection(
        ".debug_info",
        debugInfo({
          folder,
          file: basename(files.listing),
          address: text.address,
          size: (text.content as Uint8Array).length,
          functions: functions.map(({ func: { image }, line }, i) => ({
            name: names[i],
            address: image.address,
            size: image.bytes.length,
            line,
          })),
          variables,
        }),
      ),
      debugSection(
        ".debug_line",
        debugLine(
          folder,
          basename(files.listing),
          functions.map(({ sequence }) => sequence),
        ),
      ),
      debugSection(
        ".debug_frame",
        debugFrame([...functions.map(({ func }) => frameRange(func)), ...kernelFrames(world)]),
      ),
    ],
    [
      ...functions.map(
        ({ func: { image } }, i): ElfSymbol => ({
          name: names[i],
          type: STT_FUNC,
          section: TEXT,
          address: image.address,
          size: image.bytes.length,
        }),
      ),
      ...kernel,
      {
        name: "callback_return",
        type: STT_FUNC,
        section: KERNEL,
        address: world.session.machine.host.returnStub - 1n,
        size: 2,
      },
      { name: "kernel", type: STT_FUNC, section: RETURN, address: RETURN_START, size: RETURN_SIZE },
      ...variables.map(
        ({ name: map, address, words, elements }): ElfSymbol => ({
          name: map,
          type: STT_OBJECT,
          section: MAPS,
          address,
          size: 8 * words * elements,
        }),
      ),
    ],
  );
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(files.listing, listing.text);
    writeFileSync(files.elf, bytes);
  } catch (error) {
    throw new UserError(`cannot be written: ${(error as Error).message}`, { file: folder }, { cause: error });
  }
  return files;
}

const debugSection = (name: string, content: Buffer): Section => ({
  ...{ name, type: SHT_PROGBITS, flags: 0, address: 0n, content },
});

/** All code of programs: the images where they are, with zeros between. */
function textSection({ session: { machine } }: World, functions: readonly ListedFunction[]): Section {
  const ranges = functions.map(({ func: { image } }) => ({ image, end: image.address + BigInt(image.bytes.length) }));
  const start = ranges.reduce(
    (least, { image }) => (image.address < least ? image.address : least),
    ranges[0].image.address,
  );
  const end = ranges.reduce((most, range) => (range.end > most ? range.end : most), start);
  const content = Buffer.alloc(Number(end - start));
  for (const { image } of ranges)
    content.set(machine.memory.read(image.address, image.bytes.length), Number(image.address - start));
  return { name: TEXT, type: SHT_PROGBITS, flags: CODE, address: start, content };
}

function frameRange({ image }: PlacedFunction): FrameRange {
  const { depth, slots } = image.frame ?? { depth: 0, slots: [] };
  const saved = slots.flatMap(({ kind, name }, i) => {
    const register = (REG_NAMES as readonly string[]).indexOf(name);
    // under the return address and the caller's rbp, 8 bytes each
    return kind === "saved" && register >= 0
      ? [{ register: DWARF_REGISTERS[register] as number, below: 16 + 8 * Math.ceil(depth / 8) + 8 * (i + 1) }]
      : [];
  });
  return { start: image.address, size: image.bytes.length, rows: unwindRows(image), saved, from: image.body };
}

const CALLED = [{ offset: 0, base: "rsp", above: 8, saved: false }] as const;

/** Functions of the kernel have made no frame; those that wait for a callback have theirs; nobody called the kernel. */
function kernelFrames({ session: { machine } }: World): FrameRange[] {
  const callback = machine.host.returnStub - 1n;
  const waiting = [{ offset: 0, base: "rsp", above: Number(HOST_FRAME) + 8, saved: false }] as const;
  const behind = callback + 2n;
  const none = { saved: [], from: 0 };
  return [
    { start: TEXT_BASE, size: Number(callback - TEXT_BASE), rows: CALLED, ...none },
    { start: callback, size: 2, rows: waiting, ...none },
    { start: behind, size: Number(TEXT_BASE + TEXT_SIZE - behind), rows: CALLED, ...none },
    { start: RETURN_START, size: RETURN_SIZE, rows: [], ...none },
  ];
}

/** Functions of the kernel that have an address, those of modelled text. */
function kernelSymbols({ session: { machine } }: World): ElfSymbol[] {
  return [...machine.symbols.entries()]
    .filter(([name, address]) => /^\w+$/.test(name) && address >= TEXT_BASE && address < TEXT_BASE + TEXT_SIZE)
    .map(([name, address]) => ({ name, type: STT_FUNC, section: KERNEL, address, size: 1 }));
}

/** Values of array maps, where they are whole u64s. */
function variablesOf({ kernel }: World): VariableInfo[] {
  return [...kernel.maps.values()].flatMap((map) => {
    const { name, valueSize, maxEntries } = map.def;
    if (!(map instanceof ArrayMap) || valueSize % 8 || !/^\w+$/.test(name)) return [];
    return [{ name, address: map.values, words: valueSize / 8, elements: maxEntries }];
  });
}

function mapsSection(variables: readonly VariableInfo[]): Section {
  const base = { name: MAPS, type: SHT_NOBITS, flags: SHF_ALLOC | SHF_WRITE } as const;
  if (!variables.length) return { ...base, address: 0n, content: 0 };
  const ends = variables.map(({ address, words, elements }) => address + BigInt(8 * words * elements));
  const start = variables.reduce((least, { address }) => (address < least ? address : least), variables[0].address);
  const end = ends.reduce((most, one) => (one > most ? one : most), start);
  return { ...base, address: start, content: Number(end - start) };
}
