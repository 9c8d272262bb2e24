import { BPF_PSEUDO_FUNC, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, LD_IMM64 } from "../opcode.ts";
import { parseExpression } from "./expression.ts";
import { looksLikeRegister, parseRegisterOf, type Register } from "./operands.ts";
import type { Parser } from "./parser.ts";

/** LD_IMM64: two slots. */
export function emitWide(p: Parser, dst: number, src: number, low: number, high: number): void {
  p.emit(LD_IMM64, dst, src, 0, low);
  p.emit(0, 0, 0, 0, high);
}

export function emitWideValue(p: Parser, dst: number, src: number, value: bigint): void {
  emitWide(p, dst, src, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Whether a name that stands for an address follows: `name ll`, `name[...`, `name +` without being a constant. */
export function startsAddress(p: Parser): boolean {
  const token = p.peek();
  if (token.kind !== "name" || looksLikeRegister(token) || p.names.constants.has(token.text)) return false;
  return p.at("ll", 1) || p.at("[", 1) || p.peek(1).kind === "end";
}

/** `jmp_table ll` (the map), `counter[0] ll`, `counter[0] + 8 ll` (its value and bytes into it), `function ll` */
export function parseAddressOf(p: Parser, dst: Register): void {
  const token = p.peek();
  const name = token.text;
  const { maps, labels } = p.names;
  if (dst.is32) p.fail("a 64-bit register before an address", token);
  if (maps.has(name) && labels.has(name)) p.fail("a name that is not both a map and a label", token);
  if (p.at("[", 1)) {
    if (!maps.has(name)) p.fail("a map", token, maps);
    p.next();
    const off = parseValueOffset(p);
    p.relocs.push({ insn: p.slot, kind: "value", map: name, off });
    emitWide(p, dst.number, BPF_PSEUDO_MAP_VALUE, 0, off);
  } else if (maps.has(name)) {
    p.next();
    p.relocs.push({ insn: p.slot, kind: "map", map: name });
    emitWide(p, dst.number, BPF_PSEUDO_MAP_FD, 0, 0);
  } else if (labels.has(name)) {
    emitWide(p, dst.number, BPF_PSEUDO_FUNC, p.target("imm", true), 0);
  } else {
    p.fail("a map or a function", token, [...maps, ...labels]);
  }
  p.expect("ll");
}

/** `[0]`, `[0] + 8`: the kernel gives the address of an array's only element, no other. */
function parseValueOffset(p: Parser): number {
  p.expect("[");
  const index = p.peek();
  if (parseExpression(p, undefined, undefined, "an index") !== 0n) p.fail("index 0", index);
  p.expect("]");
  return p.at("+") ? Number(parseExpression(p, 0n, (1n << 31n) - 1n, "an offset in bytes")) : 0;
}

/** `ld_pseudo r1, 1, 5`: LD_IMM64 with a pseudo source (BPF_PSEUDO_MAP_FD and others) and a plain number. */
export function parseLdPseudo(p: Parser): void {
  p.expect("ld_pseudo");
  const dst = parseRegisterOf(p, false);
  p.expect(",");
  const src = Number(parseExpression(p, 0n, 15n, "a pseudo source"));
  p.expect(",");
  emitWideValue(p, dst, src, parseExpression(p, undefined, undefined, "a 64-bit number"));
}

/** `.8byte 0x95`: the next slot as a little-endian number. */
export function parseRaw(p: Parser): void {
  p.next();
  const value = parseExpression(p, undefined, undefined, "a 64-bit number");
  const bits = (from: number, width: number) => Number(BigInt.asUintN(width, value >> BigInt(from)));
  const off = (bits(16, 16) << 16) >> 16;
  p.emit(bits(0, 8), bits(8, 4), bits(12, 4), off, bits(32, 32) | 0);
}
