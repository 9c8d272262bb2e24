import { FLOW_CALL, FLOW_DIRECT, STACK_PUSH } from "../../../bpf/image.ts";
import { type Emitter, relative } from "../emitter.ts";
import { call, endbr64, JE, JNE, jcc8, nops, ud2 } from "../encode/control.ts";
import { movRegImm32 } from "../encode/move.ts";
import { R10, RAX } from "../regs.ts";

/** What stands in front of bpf_func, so that an indirect call of the wrong type is found out (arch/x86/include/asm/cfi.h). */
export interface CfiPreamble {
  /** kcfi: the caller compares the hash that it reads there; fineibt: the callee compares the one that it is handed */
  kind: "kcfi" | "fineibt";
  /** u32: cfi_bpf_hash and cfi_bpf_subprog_hash; random at every boot */
  hash: { main: number; subprog: number };
  /**
   * FineIBT, how a wrong hash ends: over to a ud2 (6.8); into the middle of the comparison, whose 0xea is no instruction (6.15); into the
   * poison behind it, whose 0xd6 is none (6.18). From the last on the hash comes in eax instead of r10d.
   */
  trap: "ud2" | "ea" | "udb";
  /** FineIBT+BHI (6.15): a thunk compares, and spoils the pointer arguments when a mispredicted path gets past */
  bhi: boolean;
}

/** Bytes in front of bpf_func: CONFIG_CALL_PADDING makes both kinds equally long. */
export const CFI_PREAMBLE = 16;

/** Arguments of bpf_func and of a subprogram's function, as the thunks count them. */
const MAIN_ARITY = 1;
const SUBPROG_ARITY = 5;

/** What a caller knows of a function's type: its hash, u32, and how many arguments the thunks count. */
export interface FunctionType {
  hash: number;
  arity: number;
}

/** The type of bpf_func, or of a subprogram's function. */
export const functionType = ({ hash }: CfiPreamble, isSubprog: boolean): FunctionType =>
  isSubprog ? { hash: hash.subprog, arity: SUBPROG_ARITY } : { hash: hash.main, arity: MAIN_ARITY };

/** Register in which a FineIBT caller brings the hash. */
export const hashRegister = ({ trap }: CfiPreamble): number => (trap === "udb" ? RAX : R10);

/** The preamble, and in place of the first endbr64 what bpf_func starts with (emit_cfi). */
export function cfiPreamble(e: Emitter, cfi: CfiPreamble, type: FunctionType): void {
  if (cfi.kind === "kcfi") return kcfi(e, type.hash);
  fineIbt(e, cfi, type);
}

function kcfi(e: Emitter, hash: number): void {
  const { c } = e;
  c.note("kCFI: the hash that callers compare; never executed");
  movRegImm32(c, RAX, hash); // b8
  for (let i = 5; i < CFI_PREAMBLE; i++) nops(c, 1); // 90
  if (e.profile.features.ibt) endbr64(c);
}

function fineIbt(e: Emitter, { trap, bhi }: CfiPreamble, { hash, arity }: FunctionType): void {
  const { c } = e;
  c.note("FineIBT: indirect calls arrive");
  endbr64(c);
  c.note("the hash that the caller brought");
  if (trap === "udb") subEax(e, hash);
  else subR10(e, hash);
  if (bhi) callBhiArgs(e, trap, arity);
  else if (trap === "ud2") {
    jcc8(c, JE, 7); // 74 07: over to behind the poison
    ud2(c); // 0f 0b
    nops(c, 1); // 90
  } else if (trap === "ea") {
    jcc8(c, JNE, -7); // 75 f9: the ea of 41 81 ea
    nops(c, 3); // 0f 1f 00
  } else {
    c.insn(FLOW_DIRECT);
    c.u32(0x03850f2e); // 2e 0f 85 03 00 00 00, jne.d32: the d6 of 0f 1f 40 d6
    c.u16(0);
    c.u8(0);
  }
  c.note("bpf_func; no indirect branch may land here");
  poison(e, trap);
}

/** call __bhi_args_N, with prefixes where the comparison leaves two bytes more */
function callBhiArgs(e: Emitter, trap: CfiPreamble["trap"], arity: number): void {
  const { c } = e;
  const thunk = e.symbol(`__bhi_args_${arity}`);
  if (trap !== "udb") return call(c, relative(e, thunk)); // e8
  const rel = relative(e, thunk, 7);
  c.insn(FLOW_DIRECT | FLOW_CALL | STACK_PUSH);
  c.u16(0x2e2e);
  c.u8(0xe8); // 2e 2e e8
  c.u32(rel);
}

/** sub r10d, imm32: the long form whatever the value */
function subR10(e: Emitter, imm: number): void {
  e.c.insn();
  e.c.u8(0x40 | (R10 >> 3));
  e.c.u16(0xea81);
  e.c.u32(imm);
}

/** sub eax, imm32: the long form whatever the value */
function subEax(e: Emitter, imm: number): void {
  e.c.insn();
  e.c.u8(0x2d);
  e.c.u32(imm);
}

/** Four bytes of nop that are no endbr64 and no nop of the compiler's (gen_endbr_poison). */
function poison(e: Emitter, trap: CfiPreamble["trap"]): void {
  e.c.insn();
  e.c.u32(trap === "udb" ? 0xd6401f0f : 0x001f0f66); // 0f 1f 40 d6 or 66 0f 1f 00
}
