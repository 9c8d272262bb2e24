/**
 * What a trampoline is made from, whatever the ISA: the kernel's flags, the traced function's model, and the programs that are
 * called (kernel/bpf/trampoline.c, include/linux/bpf.h).
 */

/** Restore the arguments and return to the traced function: fentry programs only. */
export const BPF_TRAMP_F_RESTORE_REGS = 1 << 0;
/** Call the traced function between fentry and fexit programs. */
export const BPF_TRAMP_F_CALL_ORIG = 1 << 1;
/** Return to the traced function's caller, over the return address of the call at its patch site. */
export const BPF_TRAMP_F_SKIP_FRAME = 1 << 2;
/** Store the traced function's address, for bpf_get_func_ip(). */
export const BPF_TRAMP_F_IP_ARG = 1 << 3;
/** Return what the program returned (struct_ops). */
export const BPF_TRAMP_F_RET_FENTRY_RET = 1 << 4;
/** The traced function is where the call at its patch site returns to: somebody else, e.g. a live patch, moved it. */
export const BPF_TRAMP_F_ORIG_STACK = 1 << 5;
/** Somebody else changes the traced function, too (FTRACE_OPS_FL_IPMODIFY). */
export const BPF_TRAMP_F_SHARE_IPMODIFY = 1 << 6;
/** Hand the tail-call count through to the traced function (6.7). */
export const BPF_TRAMP_F_TAIL_CALL_CTX = 1 << 7;
/** Called indirectly (struct_ops): a landing pad comes first (6.8). */
export const BPF_TRAMP_F_INDIRECT = 1 << 8;

/** struct btf_func_model: sizes of the traced function's arguments, in bytes. */
export interface FuncModel {
  /** `struct`: passed by value, at most 16 bytes, in two registers or two words of the stack where it is larger than 8 */
  args: readonly { size: number; struct?: boolean }[];
}

/** The model of a BPF function: so many u64. */
export const wordsModel = (nargs: number): FuncModel => ({ args: Array.from({ length: nargs }, () => ({ size: 8 })) });

/** struct bpf_tramp_link: a program, and how it is called. */
export interface TrampLink {
  /** address of its struct bpf_prog, and its bpf_func */
  prog: bigint;
  entry: bigint;
  /** bpf_cookie, what bpf_get_attach_cookie() returns */
  cookie?: bigint;
  sleepable?: boolean;
  /** LSM and struct_ops programs may run inside themselves (bpf_prog_check_recur) */
  mayRecur?: boolean;
  /** BPF_LSM_CGROUP: the program is not called, but the cgroup's programs by its enter function */
  lsmCgroup?: boolean;
  /** an fsession program, which is called before and after; whether it asks for its cookie (7.0) */
  session?: { cookie: boolean };
  /** address of its instructions, for a program that is not JITed */
  insnsi?: bigint;
}

/** struct bpf_tramp_links, of each kind the programs in the order in which they are called. */
export interface TrampLinks {
  fentry: readonly TrampLink[];
  fmodRet: readonly TrampLink[];
  fexit: readonly TrampLink[];
}

/** A program that is attached to a function. */
export interface Attached extends TrampLink {
  type: "fentry" | "fexit" | "fmod_ret";
  /** it calls bpf_get_func_ip() */
  wantsIp?: boolean;
}

/** The links of programs in the order in which they were attached: the last one is called first (hlist_add_head). */
export function linksOf(attached: readonly Attached[]): TrampLinks {
  const latestFirst = [...attached].reverse();
  const of = (type: Attached["type"]): TrampLink[] => latestFirst.filter((link) => link.type === type);
  return { fentry: of("fentry"), fmodRet: of("fmod_ret"), fexit: of("fexit") };
}

/** Arguments of arch_prepare_bpf_trampoline(). All addresses are u64. */
export interface TrampolineInput {
  /** bpf_trampoline_..., as /proc/kallsyms has it */
  name: string;
  model: FuncModel;
  /** BPF_TRAMP_F_... */
  flags: number;
  links: TrampLinks;
  /** the traced function, and the instruction behind its patch site */
  func: bigint;
  body: bigint;
  /** struct bpf_tramp_image */
  image: bigint;
  /** with INDIRECT: hash (u32) and arguments of the function that callers think they call, where the kernel has CFI */
  type?: { hash: number; arity: number };
}

/** What bpf_trampoline_update() makes the flags from. */
export interface TrampolineUse {
  attached: readonly Attached[];
  /** the traced function is of a BPF program whose main function may reach a tail call */
  tailCallReachable?: boolean;
  shareIpmodify?: boolean;
}

/** What of it depends on the kernel's age. */
export interface FlagFeatures {
  /** trampolines hand the count on (6.7) */
  tailCallCtx: boolean;
  /** a trampoline that calls the traced function is jumped to, so that there is no frame to skip (6.19) */
  jump: boolean;
}

/** Names of the functions around a program (bpf_trampoline_enter, bpf_trampoline_exit); `recur`: since 6.1 there are ..._recur. */
export const enterFunction = (link: TrampLink, kernel: { recur: boolean }): string =>
  `__bpf_prog_enter${variantOf(link, kernel)}`;
export const exitFunction = (link: TrampLink, kernel: { recur: boolean }): string =>
  `__bpf_prog_exit${variantOf(link, kernel)}`;

function variantOf({ sleepable, mayRecur, lsmCgroup }: TrampLink, { recur }: { recur: boolean }): string {
  if (lsmCgroup) return "_lsm_cgroup";
  return `${sleepable ? "_sleepable" : ""}${recur && !mayRecur ? "_recur" : ""}`;
}

/** The flags of a trampoline for tracing (bpf_trampoline_update). */
export function trampolineFlags(use: TrampolineUse, { tailCallCtx, jump }: FlagFeatures): number {
  let flags = 0;
  if (use.shareIpmodify) flags |= BPF_TRAMP_F_SHARE_IPMODIFY;
  if (use.tailCallReachable && tailCallCtx) flags |= BPF_TRAMP_F_TAIL_CALL_CTX;
  if (use.attached.some(({ wantsIp }) => wantsIp)) flags |= BPF_TRAMP_F_IP_ARG;
  if (use.attached.every(({ type }) => type === "fentry")) return flags | BPF_TRAMP_F_RESTORE_REGS;
  flags |= BPF_TRAMP_F_CALL_ORIG;
  if (use.shareIpmodify) return flags | BPF_TRAMP_F_SKIP_FRAME | BPF_TRAMP_F_ORIG_STACK;
  return jump ? flags : flags | BPF_TRAMP_F_SKIP_FRAME;
}

/** The patch site jumps to the trampoline instead of calling it (bpf_trampoline_use_jmp). */
export const usesJump = (flags: number): boolean =>
  (flags & BPF_TRAMP_F_CALL_ORIG) !== 0 && (flags & BPF_TRAMP_F_SKIP_FRAME) === 0;
