/** Part of an instruction: bytes from its start, and how many. */
export interface Field {
  at: number;
  bytes: number;
}

/** Where the parts of a machine instruction lie, each in bytes from its start; only what the JIT emits is known. */
export interface Encoding {
  bytes: Uint8Array;
  /** legacy prefixes: operand size, lock, segment */
  prefixes: number[];
  rex?: number;
  /** three-byte VEX: its second byte */
  vex?: number;
  /** last byte of the opcode; `map`: what comes in front of it, 0, 0x0f or 0x0f38 */
  opcode: number;
  map: 0 | 0x0f | 0x0f38;
  modrm?: number;
  sib?: number;
  disp?: Field;
  imm?: Field;
  /** displacement of a direct jump or call */
  rel?: Field;
}

const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0xf0, 0xf2, 0xf3]);
/** One-byte opcodes with a ModRM byte. */
const MODRM = new Set([
  0x01, 0x03, 0x09, 0x0b, 0x21, 0x23, 0x29, 0x2b, 0x31, 0x33, 0x39, 0x3b, 0x63, 0x69, 0x6b, 0x80, 0x81, 0x83, 0x84,
  0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0xc0, 0xc1, 0xc6, 0xc7, 0xd1, 0xd3, 0xf6, 0xf7, 0xff,
]);
/** Two-byte opcodes with a ModRM byte. */
const MODRM_0F = new Set([0x1f, 0x40, 0x44, 0xaf, 0xb0, 0xb1, 0xb6, 0xb7, 0xbe, 0xbf, 0xc0, 0xc1]);
const IMM8 = new Set([0x6a, 0x6b, 0x80, 0x83, 0xc0, 0xc1, 0xc6]);
const IMM32 = new Set([0x05, 0x0d, 0x25, 0x2d, 0x35, 0x3d, 0x69, 0x81, 0xc7]);

/** The parts of the instruction that `bytes` are; undefined: none that the JIT emits. */
export function encodingOf(bytes: Uint8Array): Encoding | undefined {
  let at = 0;
  const prefixes: number[] = [];
  while (PREFIXES.has(bytes[at])) prefixes.push(at++);
  const of: Encoding = { bytes, prefixes, opcode: 0, map: 0 };
  if ((bytes[at] & 0xf0) === 0x40) of.rex = at++;
  if (bytes[at] === 0xc4) {
    of.vex = at + 1;
    of.map = 0x0f38;
    at += 3;
  } else if (bytes[at] === 0x0f) {
    of.map = 0x0f;
    at++;
  }
  of.opcode = at++;
  if (of.vex !== undefined || (of.map ? MODRM_0F : MODRM).has(bytes[of.opcode])) at = memory(of, at);
  at = constants(of, at);
  return at === bytes.length ? of : undefined;
}

function memory(of: Encoding, from: number): number {
  const { bytes } = of;
  of.modrm = from;
  let at = from + 1;
  const mod = bytes[from] >> 6;
  const rm = bytes[from] & 7;
  if (mod === 3) return at;
  if (rm === 4) of.sib = at++;
  const base = of.sib === undefined ? rm : bytes[of.sib] & 7;
  const size = mod === 1 ? 1 : mod === 2 || base === 5 ? 4 : 0;
  if (size) of.disp = { at, bytes: size };
  return at + size;
}

function constants(of: Encoding, at: number): number {
  const opcode = of.bytes[of.opcode];
  const take = (name: "imm" | "rel", bytes: number): number => {
    of[name] = { at, bytes };
    return at + bytes;
  };
  if (of.map === 0x0f) {
    if ((opcode & 0xf0) === 0x80) return take("rel", 4);
    // endbr64 and the fences have an operand in name only
    return opcode === 0xae || opcode === 0x1e ? at + 1 : at;
  }
  if (of.map) return at;
  const wide = of.rex !== undefined && (of.bytes[of.rex] & 8) !== 0;
  const half = of.prefixes.some((prefix) => of.bytes[prefix] === 0x66);
  if (opcode === 0xe8 || opcode === 0xe9) return take("rel", 4);
  if (opcode === 0xeb || (opcode & 0xf0) === 0x70) return take("rel", 1);
  if ((opcode & 0xf8) === 0xb8) return take("imm", wide ? 8 : 4);
  if (IMM8.has(opcode)) return take("imm", 1);
  if (IMM32.has(opcode)) return take("imm", half ? 2 : 4);
  // test, which shares its opcode with not, neg, mul and div
  if (opcode === 0xf7 && (of.bytes[of.modrm!] & 0x38) === 0) return take("imm", 4);
  return at;
}
