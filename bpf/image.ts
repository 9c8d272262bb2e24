/**
 * Machine code and what it means: the words that those who write it (jit) and those who run it (emulator) share.
 */

/** What a machine instruction does to control and stack, as its emitter knows it. */
export type InsnFlags = number;
/** direct jmp, jcc or call */
export const FLOW_DIRECT = 1 << 0;
/** indirect jmp or call */
export const FLOW_INDIRECT = 1 << 1;
export const FLOW_RET = 1 << 2;
/** push or call: what it stores below rsp is the frame's own (return address, saved register, count) */
export const STACK_PUSH = 1 << 3;
/** rsp may rise: pop, leave, ret, add rsp, mov rsp */
export const STACK_UP = 1 << 4;
/** the JIT's own store into its frame, e.g. of the tail-call count */
export const OWN_STORE = 1 << 5;
/** call, direct or indirect: the next instruction is a return site */
export const FLOW_CALL = 1 << 6;
/** may be rewritten while it runs (nop5, jmp rel32 or call rel32) */
export const POKED = 1 << 7;

/** struct bpf_jit_poke_descriptor: a direct tail call's two patch sites, offsets in bytes from the image's start. */
export interface PokeSite {
  /** slot of the BPF instruction */
  insn: number;
  map: string;
  key: number;
  /** jmp over the tail call while the slot is empty, nop5 when it is set; undefined before 5.10 */
  bypass?: number;
  /** nop5 while the slot is empty, jmp to the callee when it is set */
  target: number;
  /** bytes added to the callee's bpf_func */
  adjust: number;
}

/** A place where a tail call may leave the function. */
export interface TailCallSite {
  insn: number;
  kind: "direct" | "indirect";
  /** offsets in bytes of the sequence's first byte and of the first byte after it (`out`) */
  start: number;
  out: number;
}

/** Exception table entry: where a load that faults goes on. */
export interface ExtableEntry {
  /** offset in bytes of the instruction that may fault, and its length */
  offset: number;
  length: number;
  /** x86 register number that reads as zero then; undefined: a store */
  clear?: number;
}

/**
 * What a quadword of a frame holds. count: the tail-call count; pointer: where the count is; saved: a callee-saved register; value:
 * something of a trampoline's.
 */
export interface FrameSlot {
  kind: "count" | "pointer" | "saved" | "value";
  /** "tcc", "tcc_ptr", "rbx", "retval" */
  name: string;
  /** the count is the upper half of the quadword */
  high?: boolean;
}

/** Patch sites of a trampoline's image (struct bpf_tramp_image): offsets in bytes from its start. */
export interface TrampolineSites {
  /** nop5 behind the call of the traced function, a jump to `epilogue` once the image is replaced (ip_after_call, 5.12 to 7.1) */
  afterCall?: number;
  /** where it calls __bpf_tramp_exit() and returns (ip_epilogue) */
  epilogue?: number;
  /** nop5 in front of each program, and where a jump over it leads (7.2) */
  skips: { site: number; over: number }[];
}

/** Machine code of one function, and what its bytes mean. Offsets are in bytes from `bytes[0]`. */
export interface Image {
  /** program#function-index, as reports name it */
  name: string;
  /** u64 arguments that the function takes, where BTF tells */
  nargs?: number;
  /** address of bytes[0] */
  address: bigint;
  bytes: Uint8Array;
  /** bpf_func: where callers enter (after a CFI preamble, else 0) */
  entry: number;
  /** FineIBT: indirect calls enter at byte 0 and bring this u32 in that x86 register; undefined: they enter at `entry` */
  checked?: { register: number; hash: number };
  /** the kernel enters it with a struct bpf_tail_call_run_ctx in front of the context */
  runCtx?: boolean;
  /** the patch site of trampolines (nop5), or undefined before 5.5 */
  patchSite?: number;
  /** where a tail call enters; undefined: this function cannot be one's target */
  landing?: number;
  /** where the first BPF instruction's code starts */
  body: number;
  /** ends[i] is the end of BPF slot i-1's code; ends[0] === body (kernel: addrs[]) */
  ends: Int32Array;
  /** start and flags of each machine instruction */
  starts: number[];
  flags: InsnFlags[];
  notes: Map<number, string>;
  /** this is no function but a trampoline */
  trampoline?: TrampolineSites;
  /** bytes of BPF stack below the saved rbp, and the quadwords below them, downwards; undefined: not known */
  frame?: { depth: number; slots: FrameSlot[] };
  tailCalls: TailCallSite[];
  pokes: PokeSite[];
  extable: ExtableEntry[];
  /** first byte of the epilogue's pops (kernel: cleanup_addr) */
  epilogue: number;
  /** bytes after each pass, the last one final */
  passes: number[];
}

/** Slot of the BPF instruction whose code covers `offset`; -1 in the prologue. */
export function slotAt(image: Image, offset: number): number {
  if (offset < image.body || image.ends.length < 2) return -1;
  let low = 1;
  let high = image.ends.length - 1;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (image.ends[mid] > offset) high = mid;
    else low = mid + 1;
  }
  return low - 1;
}
