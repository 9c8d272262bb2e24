/** A capture's records, as docs/capture-format.md describes them. All addresses are hex text without 0x. */

/** programs.jsonl: one set of programs, the same for every kernel. */
export interface ProgramsRecord {
  set: string;
  family: string;
  flags?: string[];
  maps: { name: string; type: number; key: number; value: number; max: number }[];
  progs: SourceProgram[];
  slots?: { map: string; idx: number; prog: string }[];
  runs?: RunRequest[];
}

export interface SourceProgram {
  name: string;
  type: number;
  insns: string;
  relocs?: SourceReloc[];
  /** nargs missing or -1: int f(struct __sk_buff *) */
  btf_funcs?: { name: string; insn: number; nargs?: number }[];
  attach?: { type: "fentry" | "fexit"; prog: string; func: number };
}

export type SourceReloc =
  | { insn: number; map: string; kind: "map" | "value"; off?: number }
  | { insn: number; kfunc: string }
  | { insn: number; field_offset: string };

export interface RunRequest {
  prog: string;
  data_len: number;
  init: { map: string; idx: number; hex: string }[];
}

/** VARIANT.jsonl: what one kernel made of a set. */
export interface CaptureRecord {
  set: string;
  family: string;
  maps: Record<string, { addr: string; value?: string }>;
  progs: CapturedProgram[];
  refs?: Record<string, string>;
  trampolines?: CapturedTrampoline[];
  runs?: RunRecord[];
  errors?: unknown[];
}

export interface CapturedProgram {
  name: string;
  type: number;
  jited: boolean;
  stack_depth?: number[];
  xlated: string;
  map_refs?: { insn: number; map: string; kind: "map" | "value"; off?: number }[];
  probe_mem?: number[];
  hidden_tail_insns?: number;
  funcs: CapturedFunction[];
}

export interface CapturedFunction {
  start?: number;
  insns?: number;
  stack_depth?: number;
  addr: string;
  len: number;
  hex: string;
  hex_final?: string;
}

export interface CapturedTrampoline {
  name: string;
  addr: string;
  hex: string;
  refs?: Record<string, string>;
  active: boolean;
}

export interface RunRecord {
  prog: string;
  retval: number;
  errno?: number;
  data_out?: string;
  maps: Record<string, Record<string, string>>;
}

/** VARIANT.kernel.json: the kernel that the capture was made on. */
export interface KernelRecord {
  variant: string;
  release: string;
  arch: string;
  options: {
    jit_harden?: number;
    cpu_bmi2?: boolean;
    cpu_la57?: boolean;
    endbr_in_prologue?: boolean;
    return?: string;
    indirect_jump_targets?: string[];
    indirect_jumps_inline?: Record<string, number>;
    call_depth_tracking?: boolean;
  };
  struct_offsets: Record<string, number | string>;
  bpf_call_base: string;
  symbols: Record<string, string>;
  helper_targets: Record<string, { imm: number; names: string[] }>;
  targets: Record<string, Record<string, string[]>>;
  percpu_refs?: Record<string, string[]>;
  btf?: { present: boolean; structs: Record<string, { size: number; members: Record<string, number | string> }> };
}
