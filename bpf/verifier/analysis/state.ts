import type { Liveness } from "./precision.ts";
import type { Reg } from "./reg.ts";

/** enum bpf_stack_slot_type of one byte of stack. */
export const INVALID = 0;
export const SPILL = 1;
export const MISC = 2;
export const ZERO = 3;

/** Eight bytes of stack, numbered from the top: types[7] is the lowest address, where a spill of any size starts. Never written to. */
export interface Slot {
  readonly types: readonly number[];
  /** what was spilled; null when the bytes are no spill */
  readonly reg: Reg | null;
  readonly live: Liveness | null;
}

export const EMPTY_SLOT: Slot = { types: [0, 0, 0, 0, 0, 0, 0, 0], reg: null, live: null };

/** is_spilled_reg */
export const isSpilled = (s: Slot | undefined): s is Slot & { reg: Reg } => s?.types[7] === SPILL && s.reg !== null;

/** Bytes that the spill covers. */
export function spillSize(s: Slot): number {
  let n = 0;
  while (n < 8 && s.types[7 - n] === SPILL) n++;
  return n;
}

/** struct bpf_func_state */
export interface Frame {
  subprog: number;
  /** slot of the call, -1 for the function that verification began with */
  callSite: number;
  regs: Reg[];
  stack: Slot[];
  /** a callback: how its result is checked and where verification goes on */
  callback: CallbackKind | null;
  callbackDepth: number;
}

/** A function that a helper calls back. */
export interface CallbackKind {
  /** results that are allowed, inclusive */
  maxResult: number;
}

/** struct bpf_verifier_state */
export interface State {
  frames: Frame[];
  /** last checkpoint on the way here */
  parent: Checkpoint | null;
  mayGotoDepth: number;
  callbackUnroll: number;
  rcuLocks: number;
  preemptLocks: number;
}

/** A state that is kept to compare later ones with. */
export interface Checkpoint extends State {
  at: number;
  /** paths from here that are not finished */
  branches: number;
  /** a loop goes through it: compared by value, precision is not complete */
  looping: boolean;
  hits: number;
  misses: number;
}

export const current = (s: State): Frame => s.frames[s.frames.length - 1];

export const copyFrame = (f: Frame): Frame => ({ ...f, regs: f.regs.slice(), stack: f.stack.slice() });
export const copyState = (s: State): State => ({
  frames: s.frames.map(copyFrame),
  parent: s.parent,
  mayGotoDepth: s.mayGotoDepth,
  callbackUnroll: s.callbackUnroll,
  rcuLocks: s.rcuLocks,
  preemptLocks: s.preemptLocks,
});

/** Replaces registers and spilled registers in all frames (bpf_for_each_reg_in_vstate). */
export function mapRegs(s: State, change: (r: Reg) => Reg): void {
  for (const f of s.frames) {
    f.regs.forEach((r, i) => {
      f.regs[i] = change(r);
    });
    f.stack.forEach((slot, i) => {
      if (!isSpilled(slot)) return;
      const reg = change(slot.reg);
      if (reg !== slot.reg) f.stack[i] = { ...slot, reg };
    });
  }
}
