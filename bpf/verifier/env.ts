import type { Insn } from "../insn.ts";
import type { GlobalParameter, MapDef, Program } from "../program.ts";
import type { SpillsRemoved } from "../xlated.ts";
import type { ScalarDomain } from "./analysis/scalar/domain.ts";
import type { KernelFeatures } from "./features.ts";

/** An instruction on its way through the rewrites, with what its fields cannot say yet. */
export interface KInsn extends Insn {
  /** CALL: name of the kernel function */
  callee?: string;
  /** LD_IMM64 of a map */
  mapRef?: { map: string; kind: "map" | "value"; off: number };
  /** the immediate is the address of a kernel object plus addend */
  symbol?: { name: string; addend: number };
  /** tail call: index into env.pokes */
  poke?: number;
}

/** The map that a helper call was seen with (bpf_map_ptr_state): none, one, or different ones. */
export type SeenMap = MapDef | "poisoned" | undefined;
/** The constant key that a helper call was seen with (map_key_state). */
export type SeenKey = bigint | "poisoned" | undefined;

/** struct bpf_insn_aux_data: what the analysis found out about an instruction. */
export interface InsnAux {
  /** slot of the program as loaded */
  origin: number;
  /** some path gets here */
  seen: boolean;
  prunePoint: boolean;
  forceCheckpoint: boolean;
  jumpTarget: boolean;
  /** type of the pointer that a load or store goes through */
  ptrType: "" | "ctx" | "btf" | "other";
  /** bytes of the context field, where a narrower load is allowed */
  ctxFieldSize: number;
  map: SeenMap;
  key: SeenKey;
  /** bpf_loop(): can be inlined with this callback; null: cannot; undefined: not seen */
  loopCallback: number | null | undefined;
  fastcallPattern: boolean;
  /** spill and fill pairs around a call that can go */
  fastcallSpills: number;
}

export const newAux = (origin: number): InsnAux => ({
  origin,
  seen: false,
  prunePoint: false,
  forceCheckpoint: false,
  jumpTarget: false,
  ptrType: "",
  ctxFieldSize: 0,
  map: undefined,
  key: undefined,
  loopCallback: undefined,
  fastcallPattern: false,
  fastcallSpills: 0,
});

/** struct bpf_subprog_info */
export interface Subprog {
  name: string;
  start: number;
  stackDepth: number;
  hasTailCall: boolean;
  tailCallReachable: boolean;
  isCallback: boolean;
  isExceptionCallback: boolean;
  privateStack: boolean;
  /** stack slots below this offset serve fastcall patterns only; below all frames: nothing does */
  fastcallStackOff: number;
  keepFastcallStack: boolean;
  /** bytes of stack that may_goto took */
  stackExtra: number;
}

export const newSubprog = (name: string, start: number): Subprog => ({
  name,
  start,
  stackDepth: 0,
  hasTailCall: false,
  tailCallReachable: false,
  isCallback: false,
  isExceptionCallback: false,
  privateStack: false,
  fastcallStackOff: 0,
  keepFastcallStack: false,
  stackExtra: 0,
});

/** struct bpf_verifier_env */
export interface Env {
  program: Program;
  /** the function that a tracing program is attached to, when it is known */
  attachTarget: { nargs?: number } | undefined;
  maps: readonly MapDef[];
  kernel: KernelFeatures;
  scalars: ScalarDomain;
  insns: KInsn[];
  aux: InsnAux[];
  /** in order of start; the last one is no function but the end of the program */
  subprogs: Subprog[];
  /** global functions by index: their parameters */
  globals: Map<number, readonly GlobalParameter[]>;
  pokes: { map: string; key: number }[];
  spillsRemoved: SpillsRemoved[];
  seenException: boolean;
  /** a direct write to the packet: the socket buffer must be ours */
  seenDirectWrite: boolean;
  /** __sk_buff.tstamp_type is read: tstamp is taken as it is */
  tstampTypeAccess: boolean;
  exceptionCallback: number;
}

/** Number of functions. */
export const subprogCount = (env: Env): number => env.subprogs.length - 1;
/** Index of the function that starts at `slot`, -1 when none does. */
export const findSubprog = (env: Env, slot: number): number =>
  env.subprogs.findIndex((s, i) => i < subprogCount(env) && s.start === slot);
/** Index of the function that contains `slot`. */
export function containingSubprog(env: Env, slot: number): number {
  let at = 0;
  while (at + 1 < subprogCount(env) && env.subprogs[at + 1].start <= slot) at++;
  return at;
}
