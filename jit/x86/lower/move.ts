import type { Emitter } from "../emitter.ts";
import { opRegReg, XOR } from "../encode/alu.ts";
import { movabs, movRegImm32, movRegReg, movRegSimm32 } from "../encode/move.ts";

/** dst = src, 64 bits; nothing where they are the same (EMIT_mov) */
export function move(e: Emitter, dst: number, src: number): void {
  if (dst !== src) movRegReg(e.c, true, dst, src);
}

/** dst = imm; `signed`: sign-extended to 64 bits, else zero-extended (emit_mov_imm32) */
export function loadImm32(e: Emitter, signed: boolean, dst: number, imm: number): void {
  if (signed && imm < 0) movRegSimm32(e.c, dst, imm);
  else if (imm === 0) opRegReg(e.c, XOR, false, dst, dst);
  else movRegImm32(e.c, dst, imm);
}

/** dst = the 64-bit value, in the shortest form that the kernel's age knows (emit_mov_imm64) */
export function loadImm64(e: Emitter, dst: number, value: bigint): void {
  loadImmHalves(e, dst, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** loadImm64 of a value given as two signed halves, as LD_IMM64 carries it. */
export function loadImmHalves(e: Emitter, dst: number, low: number, high: number): void {
  const { imm64 } = e.profile.features;
  if (imm64 === "movabs" && high === 0 && low === 0) opRegReg(e.c, XOR, true, dst, dst);
  else if (imm64 !== "movabs" && high === 0) loadImm32(e, false, dst, low);
  else if (imm64 === "signed" && high === -1 && low < 0) loadImm32(e, true, dst, low);
  else movabs(e.c, dst, low, high);
}
