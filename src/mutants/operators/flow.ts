import { changed, type Operator, type Spot } from "./operator.ts";

const CONDITIONAL = 0x70;

/** Byte that holds the condition of a jcc; undefined: it is none. */
function condition({ bytes, opcode, map }: Spot): number | undefined {
  const high = bytes[opcode] & 0xf0;
  return (map === 0 && high === CONDITIONAL) || (map === 0x0f && high === 0x80) ? opcode : undefined;
}

/** Condition code -> the one that differs where both operands are equal. */
const AT_EQUAL: Record<number, number> = {
  2: 6, // b, be
  6: 2,
  7: 3, // a, ae
  3: 7,
  12: 14, // l, le
  14: 12,
  15: 13, // g, ge
  13: 15,
};
/** Condition code -> the signed or unsigned one. */
const OTHER_SIGN: Record<number, number> = { 2: 12, 3: 13, 6: 14, 7: 15, 12: 2, 13: 3, 14: 6, 15: 7 };

const otherCondition = (name: string, notice: string, to: (code: number) => number | undefined): Operator => ({
  name,
  notice,
  apply(spot) {
    const at = condition(spot);
    if (at === undefined) return undefined;
    const code = to(spot.bytes[at] & 15);
    return code === undefined ? undefined : changed(spot.bytes, at, (spot.bytes[at] & 0xf0) | code);
  },
});

const always: Operator = {
  name: "taken always",
  notice: "the way on, where it is not taken",
  apply(spot) {
    const at = condition(spot);
    return at === undefined || spot.map ? undefined : changed(spot.bytes, at, 0xeb);
  },
};

/** Where a direct jump goes, in bytes from the function's start. */
const target = ({ bytes, rel, offset }: Spot): number =>
  offset + bytes.length + (rel!.bytes === 1 ? (bytes[rel!.at] << 24) >> 24 : Buffer.from(bytes).readInt32LE(rel!.at));

/** One instruction of the function farther or nearer; calls and jumps to other code land one byte farther or nearer. */
const neighbour = (by: 1 | -1): Operator => ({
  name: by > 0 ? "to the instruction behind" : "to the instruction before",
  notice: "the first instruction at its target, or the one in front of that",
  apply(spot) {
    const { bytes, rel, starts } = spot;
    if (!rel) return undefined;
    const at = starts.indexOf(target(spot));
    const there = at < 0 ? target(spot) + by : starts[at + by];
    if (there === undefined) return undefined;
    const distance = there - spot.offset - bytes.length;
    if (rel.bytes === 1) return distance >= -128 && distance <= 127 ? changed(bytes, rel.at, distance) : undefined;
    const copy = Buffer.from(bytes);
    copy.writeInt32LE(distance | 0, rel.at);
    return Uint8Array.from(copy);
  },
});

const narrow: Operator = {
  name: "distance cut to 8 bits",
  notice: "a jump over more than 127 bytes",
  apply({ bytes, rel }) {
    if (rel?.bytes !== 4) return undefined;
    const copy = Buffer.from(bytes);
    copy.writeInt32LE((bytes[rel.at] << 24) >> 24, rel.at);
    return Buffer.compare(copy, bytes) === 0 ? undefined : Uint8Array.from(copy);
  },
};

export const FLOW: readonly Operator[] = [
  otherCondition("the opposite condition", "either way", (code) => code ^ 1),
  otherCondition("wrong where both are equal", "operands that are equal", (code) => AT_EQUAL[code]),
  otherCondition("wrong about the sign", "operands of different sign", (code) => OTHER_SIGN[code]),
  always,
  neighbour(1),
  neighbour(-1),
  narrow,
];
