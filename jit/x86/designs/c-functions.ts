import { Code } from "../code.ts";
import { ADD, opRegImm } from "../encode/alu.ts";
import { ret } from "../encode/control.ts";
import { opRegGs } from "../encode/memory.ts";
import { movRegImm32, movRegSimm32 } from "../encode/move.ts";
import { R8, R9, R10, R11, RCX, RDI, RDX, RSI } from "../regs.ts";

/**
 * What a compiler makes of a C function, all of it legal. lucky: only rax is touched. ordinary: another scratch register, too.
 * hostile: everything that the ABI lets a callee scratch.
 */
export type Compilation = "lucky" | "ordinary" | "hostile";

/** A function of the kernel that a design's code calls. */
export interface CFunction {
  readonly name: string;
  emit(c: Code, symbol: (name: string) => bigint, compilation: Compilation): void;
}

/** A C function's machine code. */
export interface CompiledFunction {
  name: string;
  bytes: Uint8Array;
  starts: number[];
  flags: number[];
}

export function compileFunction(
  { name, emit }: CFunction,
  symbol: (name: string) => bigint,
  compilation: Compilation,
): CompiledFunction {
  const c = new Code();
  c.restart(true);
  emit(c, symbol, compilation);
  ret(c);
  return { name, bytes: c.bytes.slice(0, c.pos), starts: c.starts, flags: c.flags };
}

/** Offset of bpf_tail_call_cnt in struct task_struct, behind all that a kernel has there. */
export const TASK_TAIL_CALL_CNT = 0x2e00;

/** reg = &current->bpf_tail_call_cnt, through gs; `up`: without CONFIG_SMP current_task is where its symbol says */
export function taskCountPointer(c: Code, reg: number, symbol: (name: string) => bigint, up = false): void {
  if (up) movRegSimm32(c, reg, Number(BigInt.asIntN(32, symbol("current_task"))));
  else percpuPointer(c, reg, symbol("current_task"), symbol);
  loadThrough(c, true, reg, reg);
  opRegImm(c, ADD, true, reg, TASK_TAIL_CALL_CNT);
}

/** reg = this CPU's copy of a per-CPU variable */
export function percpuPointer(c: Code, reg: number, variable: bigint, symbol: (name: string) => bigint): void {
  movRegSimm32(c, reg, Number(BigInt.asIntN(32, variable)));
  opRegGs(c, 0x03, reg, Number(BigInt.asIntN(32, symbol("this_cpu_off"))));
}

/** mov dst, [base]: no displacement; base is none of rsp, rbp, r12, r13 */
export function loadThrough(c: Code, w: boolean, dst: number, base: number): void {
  c.insn();
  const rex = (w ? 8 : 0) | ((dst >> 3) << 2) | (base >> 3);
  if (rex) c.u8(0x40 | rex);
  c.u8(0x8b);
  c.u8(((dst & 7) << 3) | (base & 7));
}

/** mov dword [base], imm32; base is none of rsp, rbp, r12, r13 */
export function storeImm32Through(c: Code, base: number, imm: number): void {
  c.insn();
  if (base >> 3) c.u8(0x41);
  c.u8(0xc7);
  c.u8(base & 7);
  c.u32(imm);
}

/** inc (0) or dec (1) dword [rax] */
export function incThrough(c: Code, digit: 0 | 1): void {
  c.insn();
  c.u8(0xff);
  c.u8(digit << 3);
}

/** What this compilation scratches beside rax before the function's own work. */
export function scratch(c: Code, compilation: Compilation): void {
  if (compilation === "lucky") return;
  const registers = compilation === "ordinary" ? [RDX] : [RCX, RDX, RSI, RDI, R8, R9, R10, R11];
  for (const reg of registers) movRegImm32(c, reg, 0x0bad0000 | reg);
}
