import { changed, type Operator, type Spot } from "./operator.ts";

/** Segment override without effect in 64-bit mode: what stands where a prefix is left out. */
const NOTHING = 0x3e;
const [W, R, X, B] = [8, 4, 2, 1];

/** Whether ModRM.reg names a register, and not a part of the opcode. */
function hasReg({ bytes, opcode, map, modrm, vex }: Spot): boolean {
  if (modrm === undefined || (map === 0x0f && bytes[opcode] === 0x1f)) return false;
  return (
    vex !== undefined ||
    map !== 0 ||
    ![0x80, 0x81, 0x83, 0xc0, 0xc1, 0xc6, 0xc7, 0xd1, 0xd3, 0xf6, 0xf7, 0xff].includes(bytes[opcode])
  );
}

const isNop = ({ bytes, opcode, map }: Spot): boolean => map === 0x0f && bytes[opcode] === 0x1f;

const wrongReg: Operator = {
  name: "another register",
  notice: "the register that it should have taken, and the one it takes",
  apply: (spot) => (hasReg(spot) ? changed(spot.bytes, spot.modrm!, spot.bytes[spot.modrm!] ^ 0x08) : undefined),
};

const wrongRm: Operator = {
  name: "another register or base",
  notice: "the register or the memory that it should have taken",
  apply(spot) {
    const { bytes, modrm, sib } = spot;
    if (modrm === undefined || isNop(spot)) return undefined;
    if (sib !== undefined) return changed(bytes, sib, bytes[sib] ^ 1);
    const other = bytes[modrm] ^ (bytes[modrm] >> 6 === 3 || (bytes[modrm] & 7) !== 5 ? 1 : 2);
    // rsp as a base would take another byte
    return bytes[modrm] >> 6 !== 3 && (other & 7) === 4 ? undefined : changed(bytes, modrm, other);
  },
};

const wrongIndex: Operator = {
  name: "another index register",
  notice: "an index of more than 0, in the register that holds it",
  apply: ({ bytes, sib }) =>
    sib === undefined || (bytes[sib] & 0x38) === 0x20 ? undefined : changed(bytes, sib, bytes[sib] ^ 0x08),
};

const wrongScale: Operator = {
  name: "half the scale",
  notice: "an index of more than 0",
  apply: ({ bytes, sib }) =>
    sib === undefined || bytes[sib] >> 6 === 0 ? undefined : changed(bytes, sib, bytes[sib] - 0x40),
};

/** Registers that are part of the opcode: push, pop, mov r, imm, bswap. */
const opcodeRegister: Operator = {
  name: "the register beside",
  notice: "the register that it should have taken",
  apply({ bytes, opcode, map }) {
    const high = bytes[opcode] & 0xf8;
    const named = map === 0 ? high === 0x50 || high === 0x58 || high === 0xb8 : map === 0x0f && high === 0xc8;
    return named ? changed(bytes, opcode, bytes[opcode] ^ 1) : undefined;
  },
};

const withoutRexBit = (bit: number, name: string, notice: string): Operator => ({
  name,
  notice,
  apply: ({ bytes, rex }) =>
    rex === undefined || !(bytes[rex] & bit) ? undefined : changed(bytes, rex, bytes[rex] & ~bit),
});

const wideForNarrow: Operator = {
  name: "REX.W set",
  notice: "the upper half of the result, with something in the upper halves of the operands",
  apply: ({ bytes, rex }) => (rex === undefined || bytes[rex] & W ? undefined : changed(bytes, rex, bytes[rex] | W)),
};

const noRex: Operator = {
  name: "no REX",
  notice: "both its width and registers above the eighth",
  apply: ({ bytes, rex }) => (rex === undefined ? undefined : changed(bytes, rex, NOTHING)),
};

const vexCount: Operator = {
  name: "another count register",
  notice: "the count in its register, and something else in the others",
  apply: ({ bytes, vex }) => (vex === undefined ? undefined : changed(bytes, vex + 1, bytes[vex + 1] ^ 0x08)),
};

const vexWidth: Operator = {
  name: "the other width",
  notice: "the upper half of the result",
  apply: ({ bytes, vex }) => (vex === undefined ? undefined : changed(bytes, vex + 1, bytes[vex + 1] ^ 0x80)),
};

const vexHigh: Operator = {
  name: "the other eight registers",
  notice: "the register that it should have taken",
  apply: ({ bytes, vex }) => (vex === undefined ? undefined : changed(bytes, vex, bytes[vex] ^ 0x80)),
};

const noPrefix: Operator = {
  name: "no prefix",
  notice: "what lies beside the memory or register; that it is one step; that it is this CPU's",
  apply: ({ bytes, prefixes }) =>
    prefixes.length && bytes[prefixes[0]] !== 0x2e ? changed(bytes, prefixes[0], NOTHING) : undefined,
};

export const REGISTERS: readonly Operator[] = [
  wrongReg,
  wrongRm,
  wrongIndex,
  wrongScale,
  opcodeRegister,
  withoutRexBit(W, "no REX.W", "the upper half of the result"),
  withoutRexBit(R, "no REX.R", "a register above the eighth, as the one operand"),
  withoutRexBit(X, "no REX.X", "an index register above the eighth"),
  withoutRexBit(B, "no REX.B", "a register above the eighth, as the other operand or the base"),
  wideForNarrow,
  noRex,
  vexCount,
  vexWidth,
  vexHigh,
  noPrefix,
];
