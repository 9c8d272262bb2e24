import { helperId } from "./helper-ids.ts";
import type { Insn } from "./insn.ts";
import { BPF_HELPER_CALL, CALL } from "./opcode.ts";

/** enum bpf_map_type, the ones that are modelled. */
export const MAP_TYPE_HASH = 1;
export const MAP_TYPE_ARRAY = 2;
export const MAP_TYPE_PROG_ARRAY = 3;
export const MAP_TYPE_PERCPU_HASH = 5;
export const MAP_TYPE_PERCPU_ARRAY = 6;

/** enum bpf_prog_type, the ones that are modelled. */
export const PROG_TYPE_SOCKET_FILTER = 1;
export const PROG_TYPE_KPROBE = 2;
export const PROG_TYPE_SCHED_CLS = 3;
export const PROG_TYPE_TRACEPOINT = 5;
export const PROG_TYPE_XDP = 6;
export const PROG_TYPE_RAW_TRACEPOINT = 17;
export const PROG_TYPE_TRACING = 26;
export const PROG_TYPE_EXT = 28;

export interface MapDef {
  name: string;
  /** enum bpf_map_type */
  type: number;
  /** bytes */
  keySize: number;
  /** bytes */
  valueSize: number;
  maxEntries: number;
  /** value of an array's only element that neither programs nor user space change (BPF_F_RDONLY_PROG, BPF_MAP_FREEZE): loads of it are constants */
  frozen?: Uint8Array;
}

/** A function as BTF func_info names it. */
export interface FuncInfo {
  name: string;
  /** slot of its first instruction */
  start: number;
  /** number of u64 arguments; undefined: int f(struct __sk_buff *) */
  nargs?: number;
  /** a global function, which is checked by itself, whoever calls it: its parameters. Undefined: followed with each caller's values */
  global?: GlobalParameter[];
}

/** Context, an integer, or a pointer to that many bytes, which may be NULL (btf_prepare_func_args). */
export type GlobalParameter = "ctx" | "scalar" | { mem: number };

/** Where the instructions from `slot` on come from, as BTF line_info tells. */
export interface LineInfo {
  slot: number;
  file: string;
  /** 1-based; 0: the compiler's own, from no line */
  line: number;
  column: number;
  /** the line as the compiler saw it */
  text: string;
}

/** The line that an instruction comes from; undefined: nothing is known of it. */
export function lineAt(lines: readonly LineInfo[], slot: number): LineInfo | undefined {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (lines[mid].slot <= slot) low = mid + 1;
    else high = mid;
  }
  return lines[low - 1];
}

/** What the loader fills into an instruction before the verifier sees the program. */
export type Reloc =
  /** LD_IMM64 of a map (BPF_PSEUDO_MAP_FD) */
  | { insn: number; kind: "map"; map: string }
  /** LD_IMM64 of a map's value plus `off` bytes (BPF_PSEUDO_MAP_VALUE) */
  | { insn: number; kind: "value"; map: string; off: number }
  /** CALL of a kernel function (BPF_PSEUDO_KFUNC_CALL) */
  | { insn: number; kind: "kfunc"; name: string }
  /** the instruction's off becomes the byte offset of `struct.member` in the running kernel */
  | { insn: number; kind: "field"; field: string };

export interface Attach {
  type: "fentry" | "fexit" | "fmod_ret" | "freplace";
  /** target program; undefined: the kernel's own code */
  prog?: string;
  /** index of the program's function */
  func: number;
  /** u64 arguments of the kernel's function */
  nargs?: number;
}

/** One program as it is loaded: the verifier has not seen it. */
export interface Program {
  name: string;
  /** enum bpf_prog_type */
  type: number;
  insns: Insn[];
  relocs: Reloc[];
  /** in order of start; empty: no func_info, functions are f0, f1, ... */
  functions: FuncInfo[];
  attach?: Attach;
  /** source line of each slot, 1-based, 0 where unknown */
  lines?: Uint32Array;
  /** of a program that was compiled, in order of slot */
  lineInfo?: LineInfo[];
  /** instructions that CO-RE could not relocate; no verifier accepts them where they are reached */
  unresolved?: { slot: number; what: string }[];
}

/** Whether the program calls that helper, e.g. "bpf_get_func_ip". */
export const callsHelper = ({ insns }: Program, name: string): boolean =>
  insns.some(({ code, src, imm }) => code === CALL && src === BPF_HELPER_CALL && imm === helperId(name));

/** A prog_array element that is set after all programs are loaded. */
export interface Slot {
  map: string;
  index: number;
  prog: string;
}

/** Everything that is loaded together. */
export interface ProgramSet {
  name: string;
  maps: MapDef[];
  programs: Program[];
  slots: Slot[];
}
