import { GS_BASE, RFLAGS, RIP } from "../../../emulator/engine.ts";

/** A register as the target description tells gdb of it. `word`: which one of the engine's it is; `value`: it is always that. */
interface Register {
  name: string;
  /** 32, 64 or 80 */
  bits: number;
  type: string;
  word?: number;
  value?: bigint;
}

/** gdb's order, and the engine's number of each. */
const GENERAL: [string, number][] = [
  ["rax", 0],
  ["rbx", 3],
  ["rcx", 1],
  ["rdx", 2],
  ["rsi", 6],
  ["rdi", 7],
  ["rbp", 5],
  ["rsp", 4],
  ...Array.from({ length: 8 }, (_, i): [string, number] => [`r${i + 8}`, i + 8]),
];

const POINTERS: Record<string, string> = { rbp: "data_ptr", rsp: "data_ptr" };
/** __KERNEL_CS, __KERNEL_DS */
const SEGMENTS: [string, bigint][] = [
  ["cs", 0x10n],
  ["ss", 0x18n],
  ["ds", 0n],
  ["es", 0n],
  ["fs", 0n],
  ["gs", 0n],
];
const FPU_CONTROL = ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"];

/** The registers of org.gnu.gdb.i386.core, which must all be there. */
const CORE: Register[] = [
  ...GENERAL.map(([name, word]): Register => ({ name, bits: 64, type: POINTERS[name] ?? "int64", word })),
  { name: "rip", bits: 64, type: "code_ptr", word: RIP },
  { name: "eflags", bits: 32, type: "i386_eflags", word: RFLAGS },
  ...SEGMENTS.map(([name, value]): Register => ({ name, bits: 32, type: "int32", value })),
  ...Array.from({ length: 8 }, (_, i): Register => ({ name: `st${i}`, bits: 80, type: "i387_ext", value: 0n })),
  ...FPU_CONTROL.map((name): Register => ({ name, bits: 32, type: "int", value: 0n })),
];

/** org.gnu.gdb.i386.segments */
const SEGMENT_BASES: Register[] = [
  { name: "fs_base", bits: 64, type: "int64", value: 0n },
  { name: "gs_base", bits: 64, type: "int64", word: GS_BASE },
];

const REGISTERS = [...CORE, ...SEGMENT_BASES];

const EFLAGS = [
  ["CF", 0],
  ["", 1],
  ["PF", 2],
  ["AF", 4],
  ["ZF", 6],
  ["SF", 7],
  ["TF", 8],
  ["IF", 9],
  ["DF", 10],
  ["OF", 11],
];

const xml = ({ name, bits, type }: Register): string => `<reg name="${name}" bitsize="${bits}" type="${type}"/>`;

/** What gdb is told of the CPU. */
export const TARGET_XML = `<?xml version="1.0"?>
<!DOCTYPE target SYSTEM "gdb-target.dtd">
<target version="1.0">
<architecture>i386:x86-64</architecture>
<feature name="org.gnu.gdb.i386.core">
<flags id="i386_eflags" size="4">
${EFLAGS.map(([name, bit]) => `<field name="${name}" start="${bit}" end="${bit}"/>`).join("\n")}
</flags>
${CORE.map(xml).join("\n")}
</feature>
<feature name="org.gnu.gdb.i386.segments">
${SEGMENT_BASES.map(xml).join("\n")}
</feature>
</target>
`;

/** Numbers of the registers that every stop tells, so that gdb need not ask: rbp, rsp, rip. */
export const EXPEDITED = [6, 7, 16];

export const isRegister = (number: number): boolean => number in REGISTERS;

/** A register as gdb reads it: hex, little endian. */
export function readRegister(words: BigUint64Array, number: number): string {
  const { bits, word, value = 0n } = REGISTERS[number];
  const bytes = Buffer.alloc(bits / 8);
  const full = word === undefined ? value : words[word];
  if (bits === 32) bytes.writeUInt32LE(Number(full & 0xffffffffn));
  else bytes.writeBigUInt64LE(full);
  return bytes.toString("hex");
}

/** All registers, as `g` wants them. */
export const readRegisters = (words: BigUint64Array): string =>
  REGISTERS.map((_, number) => readRegister(words, number)).join("");

/**
 * Set a register from little-endian bytes; false: they are not as many as the register has. What the engine doesn't have stays as it is.
 */
export function writeRegister(words: BigUint64Array, number: number, bytes: Buffer): boolean {
  const { bits, word } = REGISTERS[number];
  if (bytes.length !== bits / 8) return false;
  if (word !== undefined) words[word] = bits === 32 ? BigInt(bytes.readUInt32LE()) : bytes.readBigUInt64LE();
  return true;
}

/** Set all of them, as `G` does. */
export function writeRegisters(words: BigUint64Array, bytes: Buffer): boolean {
  if (bytes.length !== REGISTERS.reduce((total, { bits }) => total + bits / 8, 0)) return false;
  let at = 0;
  for (const [number, { bits }] of REGISTERS.entries()) {
    writeRegister(words, number, bytes.subarray(at, at + bits / 8));
    at += bits / 8;
  }
  return true;
}
