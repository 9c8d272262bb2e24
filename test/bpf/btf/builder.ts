/** Raw BTF for tests: types in order of id, from 1. */
export type TypeSource =
  | { int: string; size: number; signed?: boolean }
  | { ptr: number }
  | { array: number; count: number }
  | { struct: string; size: number; members: [name: string, type: number, bitOffset: number, bits?: number][] }
  | { union: string; size: number; members: [name: string, type: number, bitOffset: number, bits?: number][] }
  | { typedef: string; type: number }
  | { const: number }
  | { enum: string; size: number; signed?: boolean; values: [name: string, value: number][] }
  | { enum64: string; values: [name: string, value: bigint][] }
  | { func: string; type: number }
  | { proto: number; params: [name: string, type: number][] }
  | { var: string; type: number }
  | { datasec: string; vars: [type: number, offset: number, size: number][] };

/** struct btf_header, types and strings, little-endian. */
export function buildBtf(types: readonly TypeSource[]): Uint8Array {
  const words: number[] = [];
  let strings = "\0";
  const text = (name: string): number => {
    if (name === "") return 0;
    const at = strings.length;
    strings += `${name}\0`;
    return at;
  };
  const type = (name: string, kind: number, sizeOrType: number, rest: number[] = [], vlen = 0, flag = false): void => {
    words.push(text(name), ((kind << 24) | vlen | (flag ? 1 << 31 : 0)) >>> 0, sizeOrType, ...rest);
  };
  for (const one of types) {
    if ("int" in one) type(one.int, 1, one.size, [((one.signed ? 1 : 0) << 24) | (one.size * 8)]);
    else if ("ptr" in one) type("", 2, one.ptr);
    else if ("array" in one) type("", 3, 0, [one.array, 1, one.count]);
    else if ("struct" in one || "union" in one) {
      const { members } = one;
      const flag = members.some(([, , , bits]) => bits);
      const rest = members.flatMap(([name, id, at, bits = 0]) => [text(name), id, at | (bits << 24)]);
      type("struct" in one ? one.struct : one.union, "struct" in one ? 4 : 5, one.size, rest, members.length, flag);
    } else if ("typedef" in one) type(one.typedef, 8, one.type);
    else if ("const" in one) type("", 10, one.const);
    else if ("enum" in one) {
      const rest = one.values.flatMap(([name, value]) => [text(name), value >>> 0]);
      type(one.enum, 6, one.size, rest, one.values.length, one.signed);
    } else if ("enum64" in one) {
      const half = (value: bigint) => Number(BigInt.asUintN(32, value));
      const rest = one.values.flatMap(([name, value]) => [text(name), half(value), half(value >> 32n)]);
      type(one.enum64, 19, 8, rest, one.values.length);
    } else if ("func" in one) type(one.func, 12, one.type, [], 1);
    else if ("proto" in one) {
      type(
        "",
        13,
        one.proto,
        one.params.flatMap(([name, id]) => [text(name), id]),
        one.params.length,
      );
    } else if ("var" in one) type(one.var, 14, one.type, [1]);
    else type(one.datasec, 15, 0, one.vars.flat(), one.vars.length);
  }
  const body = Buffer.from(Uint32Array.from(words).buffer);
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  [24, 0, body.length, body.length, strings.length].forEach((word, i) => {
    header.writeUInt32LE(word, 4 + 4 * i);
  });
  return Buffer.concat([header, body, Buffer.from(strings, "latin1")]);
}
