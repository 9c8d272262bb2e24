import type { Env, InsnAux, KInsn } from "../env.ts";
import { VerifierError } from "../error.ts";
import type { Dependency } from "./precision.ts";
import { isPointer, notInit, type Reg, scalarReg } from "./reg.ts";
import type { Scalar, ScalarDomain } from "./scalar/domain.ts";
import { type Checkpoint, current, type Frame, type State } from "./state.ts";

/** A path that waits to be followed: the state, and the slot it goes on at. */
export interface Pending {
  state: State;
  at: number;
}

/** One walk of do_check(). */
export interface Run {
  env: Env;
  S: ScalarDomain;
  state: State;
  /** slot that is being checked */
  at: number;
  pending: Pending[];
  explored: Map<number, Checkpoint[]>;
  /** bit r set: register r is read before it is written, from this slot on */
  liveRegs: Uint16Array;
  ids: number;
  processed: number;
  jumps: number;
  lastProcessed: number;
  lastJumps: number;
}

export function fail(run: Run, message: string): never {
  throw new VerifierError(run.env.aux[run.at]?.origin ?? run.at, message);
}

export const insnAt = (run: Run): KInsn => run.env.insns[run.at];
export const auxAt = (run: Run): InsnAux => run.env.aux[run.at];
export const frame = (run: Run): Frame => current(run.state);
export const nextId = (run: Run): number => ++run.ids;

/** A register that must have been written. */
export function use(run: Run, regno: number): Reg {
  const r = regno > 10 ? undefined : frame(run).regs[regno];
  if (!r) return fail(run, `R${regno} is invalid`);
  if (r.type === "not_init") fail(run, `R${regno} !read_ok`);
  return r;
}

export function put(run: Run, regno: number, reg: Reg): void {
  if (regno >= 10) fail(run, regno === 10 ? "frame pointer is read only" : `R${regno} is invalid`);
  frame(run).regs[regno] = reg;
}

export const putScalar = (run: Run, regno: number, value: Scalar, dep: Dependency | null = null): void =>
  put(run, regno, scalarReg(value, value === run.S.unknown ? null : dep));
export const putUnknown = (run: Run, regno: number): void => putScalar(run, regno, run.S.unknown);

/** Registers that a call leaves undefined. */
export function clobberCallerSaved(run: Run, regs: Reg[] = frame(run).regs): void {
  for (let r = 0; r <= 5; r++) regs[r] = notInit(run.S.unknown);
}

/** clear_scalar_id */
export const unlinked = (r: Reg): Reg => (r.id || r.delta || r.addConst ? { ...r, id: 0, delta: 0, addConst: 0 } : r);

/** assign_scalar_id_before_mov(): the copy and its source will be refined together. Gives the source as it is from now on. */
export function linkForCopy(run: Run, source: Reg): Reg {
  if (source.type !== "scalar") return source;
  const { noIdForConstants } = run.env.kernel;
  const r = source.addConst ? unlinked(source) : source;
  if (r.id || (noIdForConstants && r.value.varOff.mask === 0n)) return r;
  return { ...r, id: nextId(run) };
}

export function requireNoPointer(run: Run, regno: number, message: string): void {
  if (isPointer(use(run, regno))) fail(run, message);
}
