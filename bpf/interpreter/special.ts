import { MemoryFault } from "../memory.ts";
import {
  BPF_ABS,
  BPF_ADDR_PERCPU,
  BPF_ATOMIC,
  BPF_IND,
  BPF_LD,
  BPF_LOAD_ACQ,
  BPF_MEMSX,
  BPF_PROBE_ATOMIC,
  BPF_PROBE_MEM,
  BPF_PROBE_MEM32,
  BPF_PROBE_MEM32SX,
  BPF_PROBE_MEMSX,
  BPF_PSEUDO_FUNC,
  BPF_STX,
  bytesOf,
  classOf,
  modeOf,
} from "../opcode.ts";
import { atomic } from "./atomics.ts";
import type { Code } from "./code.ts";
import { badOpcode, ExecutionFault } from "./fault.ts";
import type { Run } from "./run.ts";

/** Half index of a register that no instruction names, for addresses in the arena. */
const SCRATCH = 30;
const R6 = 6;

/** LD_IMM64; of a function's address where its source says so. */
export function loadWide(run: Run, code: Code, pc: number, d: number): void {
  const r = run.regs.half;
  if (code.src[pc] === BPF_PSEUDO_FUNC) {
    run.regs.unsigned[d >> 1] = code.addressOf(code.target[pc]);
    return;
  }
  r[d] = code.imm[pc];
  r[d + 1] = code.imm[pc + 1];
}

/** Loads with a mode other than BPF_MEM. Those of the verifier's load 0 where they fault. */
export function loadSpecial(run: Run, op: number, d: number, s: number, off: number): void {
  const { access } = run;
  const r = run.regs.half;
  const mode = modeOf(op);
  switch (mode) {
    case BPF_MEMSX:
      access.load(r[s], r[s + 1], off, bytesOf(op));
      break;
    case BPF_PROBE_MEM:
    case BPF_PROBE_MEMSX:
      loadOrZero(run, s, off, bytesOf(op));
      break;
    case BPF_PROBE_MEM32:
    case BPF_PROBE_MEM32SX:
      loadOrZero(run, arenaAddress(run, s), off, bytesOf(op));
      break;
    default:
      throw badOpcode(op);
  }
  const signed = mode === BPF_MEMSX || mode === BPF_PROBE_MEMSX || mode === BPF_PROBE_MEM32SX;
  if (signed) extendSign(run, bytesOf(op));
  r[d] = access.lo;
  r[d + 1] = access.hi;
}

function extendSign({ access }: Run, bytes: number): void {
  if (bytes === 8) return;
  const unused = 32 - 8 * bytes;
  access.lo = (access.lo << unused) >> unused;
  access.hi = access.lo >> 31;
}

function loadOrZero({ access, regs }: Run, base: number, off: number, bytes: number): void {
  try {
    access.load(regs.half[base], regs.half[base + 1], off, bytes);
  } catch (error) {
    if (!(error instanceof MemoryFault)) throw error;
    access.lo = access.hi = 0;
  }
}

/** Stores with a mode other than BPF_MEM: atomics, and those into the arena, which do nothing where they fault. */
export function storeSpecial(run: Run, op: number, d: number, s: number, off: number, imm: number): void {
  const { access, regs } = run;
  const r = regs.half;
  const mode = modeOf(op);
  if (mode === BPF_PROBE_MEM32) {
    const base = arenaAddress(run, d);
    const isRegister = classOf(op) === BPF_STX;
    ignoreFault(() => {
      if (isRegister) access.store(r[base], r[base + 1], off, bytesOf(op), r[s], r[s + 1]);
      else access.store(r[base], r[base + 1], off, bytesOf(op), imm, imm >> 31);
    });
    return;
  }
  if (classOf(op) !== BPF_STX || (mode !== BPF_ATOMIC && mode !== BPF_PROBE_ATOMIC)) throw badOpcode(op);
  const address = imm === BPF_LOAD_ACQ ? s : d;
  if (mode === BPF_ATOMIC) atomic(regs, access, op, d, s, off, imm, address);
  else atomic(regs, access, op, d, s, off, imm, arenaAddress(run, address));
}

function ignoreFault(store: () => void): void {
  try {
    store();
  } catch (error) {
    if (!(error instanceof MemoryFault)) throw error;
  }
}

/** Puts the kernel's address of a 32-bit arena pointer into SCRATCH. */
function arenaAddress({ regs, settings }: Run, pointer: number): number {
  if (!settings.arena) throw new ExecutionFault("memory", "an access to an arena, and there is none");
  regs.unsigned[SCRATCH >> 1] = settings.arena.kernel + BigInt(regs.half[pointer] >>> 0);
  return SCRATCH;
}

/** MOV with off -1 (BPF_ADDR_PERCPU), or 1 (BPF_ADDR_SPACE_CAST): to the user's address where imm is 1 << 16, else 32 bits. */
export function moveAddress(run: Run, d: number, s: number, off: number, imm: number): void {
  const { regs, settings } = run;
  const r = regs.half;
  if (off === BPF_ADDR_PERCPU) {
    regs.unsigned[d >> 1] = regs.unsigned[s >> 1] + settings.percpuOffset;
    return;
  }
  const upper = imm === 1 << 16 && settings.arena ? Number(settings.arena.user >> 32n) : 0;
  r[d] = r[s];
  r[d + 1] = r[d] === 0 ? 0 : upper;
}

/**
 * LD_ABS and LD_IND: R0 becomes a big-endian number of the packet whose context is in R6. False where the packet has no
 * such bytes: the function is left with R0 0 (bpf_gen_ld_abs, net/core/filter.c).
 */
export function loadPacket(run: Run, op: number, s: number, imm: number): boolean {
  const { regs, settings } = run;
  const bytes = bytesOf(op);
  const mode = modeOf(op);
  if (classOf(op) !== BPF_LD || (mode !== BPF_ABS && mode !== BPF_IND) || bytes === 8) throw badOpcode(op);
  const offset = mode === BPF_ABS ? imm : (regs.half[s] + imm) | 0;
  const value = settings.loadPacket?.(regs.unsigned[R6], offset, bytes as 1 | 2 | 4);
  regs.unsigned[0] = BigInt(value ?? 0);
  return value !== undefined;
}
