import type { MapDef } from "../../program.ts";
import type { Dependency } from "./precision.ts";
import type { Scalar } from "./scalar/domain.ts";

/** enum bpf_reg_type, the ones that are modelled. */
export type RegType =
  | "not_init"
  | "scalar"
  | "ctx"
  | "map_ptr"
  | "map_value"
  | "map_key"
  | "stack"
  | "packet"
  | "packet_meta"
  | "packet_end"
  | "btf"
  | "sock_common"
  | "func"
  | "mem";

/** Whether the kernel vouches for a BTF pointer: only loads through the others can fault (enum bpf_type_flag). */
export type Trust = "trusted" | "rcu" | "untrusted" | "none";

/** struct bpf_reg_state. Registers are shared between states and never written to. */
export interface Reg {
  readonly type: RegType;
  /** PTR_MAYBE_NULL */
  readonly maybeNull: boolean;
  /** fixed offset of a pointer, bytes */
  readonly off: number;
  /** value of a scalar, variable offset of a pointer */
  readonly value: Scalar;
  /** scalars: what is known to be equal (up to delta); pointers that may be null, packet pointers: what is checked together */
  readonly id: number;
  /** BPF_ADD_CONST: a scalar that is `delta` more than the others of its id; 32 or 64 bits wide sum */
  readonly delta: number;
  readonly addConst: 0 | 32 | 64;
  /** what the value was computed from */
  readonly dep: Dependency | null;
  /** frame of a stack pointer */
  readonly frame: number;
  /** bytes that a packet pointer may access; -1 AT_PKT_END, -2 BEYOND_PKT_END */
  readonly range: number;
  readonly map: MapDef | null;
  /** struct that a BTF pointer points to */
  readonly struct: string;
  readonly trust: Trust;
  /** function index of a callback */
  readonly subprog: number;
  /** bytes behind a memory pointer */
  readonly memSize: number;
}

export const AT_PKT_END = -1;
export const BEYOND_PKT_END = -2;

const plain = (type: RegType, value: Scalar, dep: Dependency | null): Reg => ({
  type,
  maybeNull: false,
  off: 0,
  value,
  id: 0,
  delta: 0,
  addConst: 0,
  dep,
  frame: 0,
  range: 0,
  map: null,
  struct: "",
  trust: "none",
  subprog: 0,
  memSize: 0,
});

export const scalarReg = (value: Scalar, dep: Dependency | null = null): Reg => plain("scalar", value, dep);
export const notInit = (value: Scalar): Reg => plain("not_init", value, null);
export const pointer = (type: RegType, zero: Scalar, rest: Partial<Reg> = {}): Reg => ({
  ...plain(type, zero, null),
  ...rest,
});

export const isPacketPointer = (r: Reg): boolean => r.type === "packet" || r.type === "packet_meta";
export const isAnyPacketPointer = (r: Reg): boolean => isPacketPointer(r) || r.type === "packet_end";
export const isPointer = (r: Reg): boolean => r.type !== "scalar" && r.type !== "not_init";
/** reg_not_null: a pointer that is certainly not NULL. */
export const isNotNull = (r: Reg): boolean =>
  !r.maybeNull &&
  (r.type === "map_value" ||
    r.type === "map_ptr" ||
    r.type === "map_key" ||
    r.type === "stack" ||
    r.type === "ctx" ||
    r.type === "sock_common" ||
    (r.type === "btf" && r.trust === "trusted"));

/** How the kernel calls the type in its messages (reg_type_str). */
export function typeName(r: Reg): string {
  const names: Record<RegType, string> = {
    not_init: "?",
    scalar: "scalar",
    ctx: "ctx",
    map_ptr: "map_ptr",
    map_value: "map_value",
    map_key: "map_key",
    stack: "fp",
    packet: "pkt",
    packet_meta: "pkt_meta",
    packet_end: "pkt_end",
    btf: "ptr_",
    sock_common: "sock_common",
    func: "func",
    mem: "mem",
  };
  return names[r.type] + (r.maybeNull ? "_or_null" : "");
}
