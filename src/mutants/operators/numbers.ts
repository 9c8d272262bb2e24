import type { Field } from "../encoding.ts";
import { changed, type Operator } from "./operator.ts";

/** The bytes with a little-endian field of up to 8 bytes made larger by `by`, wrapping around. */
function plus(bytes: Uint8Array, { at, bytes: size }: Field, by: number): Uint8Array {
  const copy = bytes.slice();
  const view = Buffer.from(copy.buffer, at, size);
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(view[i]);
  value += BigInt(by);
  for (let i = 0; i < size; i++, value >>= 8n) copy[at + i] = Number(value & 0xffn);
  return copy;
}

const isNop = (bytes: Uint8Array, opcode: number, map: number): boolean => map === 0x0f && bytes[opcode] === 0x1f;

const immediate = (by: number): Operator => ({
  name: by > 0 ? `imm + ${by}` : `imm - ${-by}`,
  notice: "a result at the very edge",
  apply: ({ bytes, imm }) => (imm ? plus(bytes, imm, by) : undefined),
});

const displacement = (by: number): Operator => ({
  name: by > 0 ? `disp + ${by}` : `disp - ${-by}`,
  notice: "what lies there, with something else beside it",
  apply: ({ bytes, disp, opcode, map }) => (disp && !isNop(bytes, opcode, map) ? plus(bytes, disp, by) : undefined),
});

const noSign: Operator = {
  name: "sign lost",
  notice: "a negative constant, all of its bits",
  apply: ({ bytes, imm }) =>
    imm && imm.bytes <= 4 && bytes[imm.at + imm.bytes - 1] & 0x80
      ? changed(bytes, imm.at + imm.bytes - 1, bytes[imm.at + imm.bytes - 1] & 0x7f)
      : undefined,
};

const noUpperHalf: Operator = {
  name: "upper half lost",
  notice: "a constant of more than 32 bits",
  apply({ bytes, imm }) {
    if (imm?.bytes !== 8) return undefined;
    const copy = bytes.slice();
    copy.fill(0, imm.at + 4, imm.at + 8);
    return copy;
  },
};

export const NUMBERS: readonly Operator[] = [
  immediate(1),
  immediate(-1),
  displacement(8),
  displacement(-8),
  displacement(1),
  noSign,
  noUpperHalf,
];
