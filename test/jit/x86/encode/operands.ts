import fc from "fast-check";

const LEGACY = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const NEW = [8, 9, 10, 11, 12, 13, 14, 15];

/** Intel's name of register 0..15 with that many bits. */
export const NAMES: Record<number, string[]> = {
  64: [...LEGACY.map((name) => `r${name}`), ...NEW.map((n) => `r${n}`)],
  32: [...LEGACY.map((name) => `e${name}`), ...NEW.map((n) => `r${n}d`)],
  16: [...LEGACY, ...NEW.map((n) => `r${n}w`)],
  8: ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", ...NEW.map((n) => `r${n}b`)],
};

/** Name of a register, 64 or (not w) 32 bits of it. */
export const reg = (n: number, w = true): string => NAMES[w ? 64 : 32][n];

/** Values of an argument: some to be combined with all others, and any at all, where these are not all. */
export interface Domain<T> {
  edges: readonly T[];
  any?: fc.Arbitrary<T>;
}

export const oneOf = <const T extends readonly unknown[]>(...edges: T): Domain<T[number]> => ({ edges });

export const RSP = 4;
const all = Array.from({ length: 16 }, (_, n) => n);
export const REGISTER: Domain<number> = { edges: all };
/** Without a SIB byte rsp and r12 are no base: their number means that one follows. */
export const BASE: Domain<number> = { edges: all.filter((n) => (n & 7) !== RSP) };
/** rsp's number as an index means that there is none. */
export const INDEX: Domain<number> = {
  edges: [0, 5, 12, 13],
  any: fc.constantFrom(...all.filter((n) => n !== RSP)),
};
/** 64 bits, or 32 */
export const W = oneOf(true, false);

/** Signed 32 bits: on both sides of every boundary of 8, 16 and 32 bits, and any. Immediates, displacements, distances. */
export const INT32: Domain<number> = {
  edges: [
    0, 1, -1, 0x21, 127, 128, 255, 256, -127, -128, -129, 0x7fff, 0x8000, -0x8000, -0x8001, 0x7fffffff, -0x80000000,
  ],
  any: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
};
/** Signed 32 bits with fewer edges, to be combined with several registers. */
export const DISPLACEMENT: Domain<number> = {
  edges: [0, 127, 128, -128, -129, 0x7fffffff, -0x80000000],
  any: INT32.any,
};
export const NEAR_OR_FAR: Domain<number> = { edges: [0, -128, 128], any: INT32.any };
export const INT8: Domain<number> = {
  edges: [0, 1, -1, 0x21, 126, 127, -127, -128],
  any: fc.integer({ min: -128, max: 127 }),
};

/** Bytes of a displacement, which is never left out. */
export const dispBytes = (off: number): number => (isInt8(off) ? 1 : 4);

export const isInt8 = (value: number): boolean => value >= -128 && value <= 127;

/** Bytes of a REX prefix that is there for 64 bits and for r8..r15 only. */
export const rexBytes = (w: boolean, ...registers: number[]): number => (w || registers.some((n) => n > 7) ? 1 : 0);

export const signed = (value: number): string => `${value < 0 ? "" : "+"}${value}`;

/** What that many bytes of memory are called. */
export const ptr = (bytes: number): string => `${{ 1: "byte", 2: "word", 4: "dword", 8: "qword" }[bytes]} ptr`;

/** [base+off] */
export const at = (base: number, off: number): string => `[${reg(base)}${signed(off)}]`;
/** [base+index*scale+off] */
export const atIndex = (base: number, index: number, off: number, scale = 1): string =>
  `[${reg(base)}+${reg(index)}*${scale}${signed(off)}]`;
