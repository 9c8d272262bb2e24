import { changed, type Operator, type Spot } from "./operator.ts";

/** A one-byte opcode for another of the same shape. */
const EXCHANGED: Record<number, [to: number, name: string]> = {
  1: [0x29, "sub for add"],
  41: [0x01, "add for sub"],
  33: [0x09, "or for and"],
  9: [0x31, "xor for or"],
  49: [0x09, "or for xor"],
  57: [0x85, "test for cmp"],
  133: [0x39, "cmp for test"],
  5: [0x2d, "sub for add"],
  45: [0x05, "add for sub"],
  37: [0x0d, "or for and"],
  13: [0x35, "xor for or"],
  53: [0x0d, "or for xor"],
  135: [0x89, "store for exchange"],
  141: [0x8b, "load for address"],
};

/** ModRM.reg as a part of the opcode: opcode -> digit -> other digit. */
const DIGITS: Record<number, Record<number, [to: number, name: string]>> = {
  131: {
    0: [5, "sub for add"],
    1: [6, "xor for or"],
    4: [1, "or for and"],
    5: [0, "add for sub"],
    6: [1, "or for xor"],
    7: [4, "and for cmp"],
  },
  193: {
    0: [1, "ror for rol"],
    1: [0, "rol for ror"],
    4: [5, "shr for shl"],
    5: [7, "sar for shr"],
    7: [5, "shr for sar"],
  },
  247: {
    0: [2, "not for test"],
    3: [2, "not for neg"],
    4: [5, "imul for mul"],
    6: [7, "idiv for div"],
    7: [6, "div for idiv"],
  },
};
DIGITS[0x81] = DIGITS[0x83];
DIGITS[0xd1] = DIGITS[0xc1];
DIGITS[0xd3] = DIGITS[0xc1];

const inAnotherOpcode = ({ bytes, opcode, map, modrm }: Spot): [Uint8Array, string] | undefined => {
  if (map !== 0) return undefined;
  const plain = EXCHANGED[bytes[opcode]];
  if (plain) return [changed(bytes, opcode, plain[0]), plain[1]];
  const digit = modrm === undefined ? undefined : DIGITS[bytes[opcode]]?.[(bytes[modrm] >> 3) & 7];
  // not has no immediate: its bytes would be the next instruction
  if (!digit || digit[1] === "not for test") return undefined;
  return [changed(bytes, modrm!, (bytes[modrm!] & 0xc7) | (digit[0] << 3)), digit[1]];
};

/** One operator for each name, so that reports say which. */
const another = [
  ...new Set(
    [...Object.values(EXCHANGED), ...Object.values(DIGITS).flatMap((d) => Object.values(d))].map(([, name]) => name),
  ),
].map(
  (name): Operator => ({
    name,
    notice: "operands for which the two operations differ",
    apply(spot) {
      const found = inAnotherOpcode(spot);
      return found?.[1] === name ? found[0] : undefined;
    },
  }),
);

const opposite: Operator = {
  name: "operands exchanged",
  notice: "both operands, which must differ",
  apply: ({ bytes, opcode, map, modrm }) =>
    map === 0 &&
    modrm !== undefined &&
    [0x01, 0x09, 0x21, 0x29, 0x31, 0x39, 0x89, 0x8b, 0x03, 0x2b].includes(bytes[opcode])
      ? changed(bytes, opcode, bytes[opcode] ^ 2)
      : undefined,
};

const otherSize: Operator = {
  name: "another size",
  notice: "the bytes beside, and those that must be cleared",
  apply({ bytes, opcode, map }) {
    const code = bytes[opcode];
    const one = map === 0 && [0x88, 0x89, 0x8b].includes(code);
    const two = map === 0x0f && [0xb6, 0xb7, 0xbe, 0xbf, 0xb1, 0xc1].includes(code);
    return one || two ? changed(bytes, opcode, code ^ 1) : undefined;
  },
};

const otherExtension: Operator = {
  name: "the other extension",
  notice: "a value whose highest bit is set, all 64 bits of what becomes of it",
  apply({ bytes, opcode, map, modrm }) {
    const code = bytes[opcode];
    if (map === 0x0f && [0xb6, 0xb7, 0xbe, 0xbf].includes(code)) return changed(bytes, opcode, code ^ 8);
    return map === 0 && code === 0x63 && modrm !== undefined ? changed(bytes, opcode, 0x8b) : undefined;
  },
};

const vexOperation: Operator = {
  name: "the other shift",
  notice: "a value whose highest and lowest bits are set",
  apply: ({ bytes, vex }) => {
    if (vex === undefined) return undefined;
    const pp = bytes[vex + 1] & 3;
    return changed(bytes, vex + 1, (bytes[vex + 1] & ~3) | (pp === 3 ? 2 : 3));
  },
};

export const OPCODES: readonly Operator[] = [...another, opposite, otherSize, otherExtension, vexOperation];
