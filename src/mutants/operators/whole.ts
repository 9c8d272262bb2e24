import { changed, type Operator, type Spot } from "./operator.ts";

const NOPS: readonly (readonly number[])[] = [
  [],
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

/** `length` bytes that do nothing. */
export function nops(length: number): Uint8Array {
  const bytes: number[] = [];
  while (bytes.length < length) bytes.push(...NOPS[Math.min(8, length - bytes.length)]);
  return Uint8Array.from(bytes);
}

const isNop = ({ bytes, opcode, map }: Spot): boolean =>
  map === 0x0f ? bytes[opcode] === 0x1f : map === 0 && bytes[opcode] === 0x90;

const isPush = (opcode: number): boolean => (opcode & 0xf8) === 0x50;
const isPop = (opcode: number): boolean => (opcode & 0xf8) === 0x58;

/** Opcode of a push or pop, whatever its prefix. */
const stackOpcode = (bytes: Uint8Array): number => (bytes[0] === 0x41 ? bytes[1] : bytes[0]);

const lost: Operator = {
  name: "lost",
  notice: "what it leaves in its destination",
  apply: (spot) => (isNop(spot) ? undefined : nops(spot.bytes.length)),
};

const trap: Operator = {
  name: "trap",
  notice: "that it runs at all",
  apply: ({ bytes }) => {
    const all = nops(bytes.length).slice();
    return bytes.length === 1 ? Uint8Array.of(0xcc) : Uint8Array.of(0xcc, ...nops(all.length - 1));
  },
};

/** The two of a pair of pushes, or of pops, in the other order. */
const exchanged: Operator = {
  name: "exchanged with the next",
  notice: "the values of both registers behind it",
  apply({ bytes, next }) {
    if (!next) return undefined;
    const [one, other] = [stackOpcode(bytes), stackOpcode(next)];
    const pair = (isPush(one) && isPush(other)) || (isPop(one) && isPop(other));
    return pair && Buffer.compare(bytes, next) !== 0 ? Uint8Array.of(...next, ...bytes) : undefined;
  },
};

const pushForPop: Operator = {
  name: "push for pop",
  notice: "the stack pointer and the register",
  apply({ bytes, opcode, map }) {
    if (map !== 0 || !(isPush(bytes[opcode]) || isPop(bytes[opcode]))) return undefined;
    return changed(bytes, opcode, bytes[opcode] ^ 8);
  },
};

/** No fault: shows whether anybody comes by. */
export const TRAP = trap;
export const WHOLE: readonly Operator[] = [lost, exchanged, pushForPop];
