import type { ExtableEntry, FrameSlot, PokeSite, TailCallSite } from "../../bpf/image.ts";
import { JitError } from "../error.ts";
import type { JitFunction } from "../function.ts";
import type { X86Profile } from "../profile.ts";
import type { Code } from "./code.ts";
import { type Frame, MAX_TAIL_CALL_CNT, type TailCallDesign } from "./design.ts";
import { CALLEE_SAVED, R12 } from "./regs.ts";

/** Everything an emitter needs while it compiles one function. */
export interface Fn {
  c: Code;
  input: JitFunction;
  profile: X86Profile;
  design: TailCallDesign;
  frame: Frame;
  /** bytes of BPF stack in the frame, a multiple of 8; 0 with a private stack */
  depth: number;
  /** callee-saved registers in push order, r12 first where it is kept */
  saved: number[];
  /** slot that is being compiled, -1 in the prologue */
  slot: number;
  /** address of the image's first byte; only meaningful in the final pass */
  base: bigint;
  symbol(name: string): bigint;
  /** addresses of features.callThunks */
  thunks: Set<bigint>;
  /** ends[i]: end of slot i-1's code; during a pass those from the current slot on are the previous pass's */
  ends: Int32Array;
  /** offset of the epilogue that later exits jump to, from the previous pass until the first exit is met */
  epilogue: number;
  exitSeen: boolean;
  /** LD_ABS or LD_IND is in it */
  loadsPacket: boolean;
  /** BPF_REG_AX (r10) is used */
  usesAx: boolean;
  /** pad jumps with nops instead of letting them shrink */
  padding: boolean;
  /** quadwords of the frame below the BPF stack, in push order */
  slots: FrameSlot[];
  tailCalls: TailCallSite[];
  pokes: PokeSite[];
  extable: ExtableEntry[];
}

/** Callee-saved registers a function pushes: r12 and all where it may throw, else those that its BPF registers R6..R9 use. */
export function savedRegisters(input: JitFunction): number[] {
  if (input.exceptionBoundary) return [R12, ...CALLEE_SAVED];
  const used = CALLEE_SAVED.filter((_, i) => input.insns.some((insn) => insn.dst === 6 + i || insn.src === 6 + i));
  return input.arena ? [R12, ...used] : used;
}

/** MAX_TAIL_CALL_CNT, or what the profile has in its place. */
export const limitOf = (f: Fn): number => f.profile.maxTailCalls ?? MAX_TAIL_CALL_CNT;

/** rel32 from the end of a 5-byte instruction that starts at the current position to an absolute address. */
export function relative(f: Fn, target: bigint, length = 5): number {
  if (!f.c.final) return 0;
  const rel = target - (f.base + BigInt(f.c.pos + length));
  const wrapped = BigInt.asIntN(64, rel);
  if (wrapped !== BigInt.asIntN(32, wrapped))
    throw new JitError(
      `${f.input.name}: 0x${target.toString(16)} is out of the reach of a rel32 at 0x${f.base.toString(16)}`,
      f.slot,
    );
  return Number(wrapped);
}
