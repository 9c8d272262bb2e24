import type { ExtableEntry, FrameSlot, PokeSite, TailCallSite } from "../../bpf/image.ts";
import type { JitFunction } from "../function.ts";
import { type Frame, MAX_TAIL_CALL_CNT, type TailCallDesign } from "./design.ts";
import type { Emitter } from "./emitter.ts";
import type { Lowerings } from "./lowerings.ts";
import { CALLEE_SAVED, R12 } from "./regs.ts";

/** Everything an emitter needs while it compiles one function. */
export interface Fn extends Emitter {
  input: JitFunction;
  design: TailCallDesign;
  /** parts of the JIT, with what the profile has in their place */
  lower: Lowerings;
  frame: Frame;
  /** bytes of BPF stack in the frame, a multiple of 8; 0 with a private stack */
  depth: number;
  /** callee-saved registers in push order, r12 first where it is kept */
  saved: number[];
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
