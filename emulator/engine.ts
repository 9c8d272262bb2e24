/**
 * The CPU under the machine: guest memory, one register file, code marks, watched addresses, a run loop. Nothing here knows BPF.
 * `emulator/native` implements it over libunicorn; an engine over Unicorn-as-WebAssembly can implement it in TypeScript,
 * so this interface stays small. Addresses and registers are u64 bigints at this edge, little endian in memory.
 */

/** Page protection bits for map() and protect(). */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;

/** Index into Engine.regs; 0..15 are x86-64's own register numbers. */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;
export const R12 = 12;
export const R13 = 13;
export const R14 = 14;
export const R15 = 15;
export const RIP = 16;
export const RFLAGS = 17;
export const GS_BASE = 18;
export const NREGS = 19;

/**
 * What a byte of code is: one u32 per byte. A byte without MARK_INSN is not the start of an instruction; executing it is a
 * `landing` violation, and so is arriving by a transfer that the mark does not name. Plain fall-through is always fine.
 */
export const MARK_INSN = 1 << 0;
/** A direct jmp, jcc or call may arrive here. */
export const MARK_BY_DIRECT = 1 << 1;
/** An indirect jmp or call may arrive here. */
export const MARK_BY_INDIRECT = 1 << 2;
/** A ret may arrive here. */
export const MARK_BY_RET = 1 << 3;
/** How this instruction transfers control, if it does; none set: it cannot. */
export const MARK_DIRECT = 1 << 4;
export const MARK_INDIRECT = 1 << 5;
export const MARK_RET = 1 << 6;
/** push or call: stores just below rsp, and what it stores is a control slot (return address, saved register, count). */
export const MARK_PUSH = 1 << 7;
/** pop, leave, ret, add rsp, mov rsp: rsp may rise, control slots below it are gone. */
export const MARK_SP_UP = 1 << 8;
/** The JIT's own store: may write a control slot (e.g. the tail-call count). */
export const MARK_OWN_STORE = 1 << 9;
/** Watch id, 1..65535, in bits 16..31. */
export const MARK_WATCH_SHIFT = 16;

/** What to do when a watched instruction is about to execute. Several may be set; order: count, event, call, stop. */
export interface Watch {
  /** Count, call and stop only where control came by a jump, call or ret; events are appended always. */
  transfersOnly?: boolean;
  /** Count hits; with `limit`, stop before the hit that would make the count exceed it. */
  count?: boolean;
  limit?: number;
  /** Append an event record. */
  event?: boolean;
  /**
   * Call back into TypeScript with the register file loaded; writes to regs (RIP too) take effect. Must not run or close the
   * engine. "stop" ends the run there.
   */
  call?: (() => void) | (() => "stop" | undefined);
  /**
   * End the run, RIP on the watched instruction; running on from there (RIP and RSP the same, icount not set back) does not
   * serve its watch again.
   */
  stop?: boolean;
}

/** u64 words of an event record. */
export const EVENT_WORDS = 24;
/**
 * watch id (low 32 bits), and how control came (high 32 bits): 0 in sequence or as the run began, else MARK_BY_DIRECT,
 * _INDIRECT or _RET
 */
export const EVENT_ID = 0;
export const EVENT_PC = 1;
/** address of the instruction executed just before */
export const EVENT_FROM = 2;
/** instructions executed before this one since the engine's count was last set */
export const EVENT_ICOUNT = 3;
/** rax..r15 */
export const EVENT_REGS = 4;
export const EVENT_RFLAGS = 20;
/** qword at [rsp], 0 where unmapped */
export const EVENT_TOP = 21;
/** Engine.tag when the event happened (which CPU, which task) */
export const EVENT_TAG = 22;

/** u64 words of a step record of a traced run: pc, icount, rflags, tag, rax..r15 (state before the instruction). */
export const STEP_WORDS = 20;
/** u64 words of an access record of a traced run: icount, pc, address, size | write << 32, old value, new value (up to 8 bytes, LE). */
export const ACCESS_WORDS = 6;

/** Why a run ended. `pc` is exact: the instruction that did not complete, or the next to execute. */
export type Stop =
  | { kind: "until"; pc: bigint }
  | { kind: "budget"; pc: bigint }
  | { kind: "stopped"; pc: bigint }
  | { kind: "watch"; pc: bigint; id: number }
  | { kind: "limit"; pc: bigint; id: number }
  /**
   * Access or fetch without the right to it. `addr` is the first byte, `size` in bytes (0 for a fetch). `from`, of a fetch: the
   * instruction executed just before, if the run executed any.
   */
  | {
      kind: "fault";
      pc: bigint;
      access: "read" | "write" | "fetch";
      addr: bigint;
      size: number;
      mapped: boolean;
      from?: bigint;
    }
  /** CPU exception: 0 #DE, 3 #BP (pc on the int3), 6 #UD, 13 for hlt, as nothing would wake the CPU ... */
  | { kind: "exception"; pc: bigint; vector: number }
  /** Control arrived where the marks do not allow it; pc is the target, not executed yet. */
  | { kind: "landing"; pc: bigint; from: bigint }
  /** A store below rsp or into a control slot; the store has been done, pc is the storing instruction. */
  | { kind: "stack"; pc: bigint; addr: bigint; size: number; why: "below-rsp" | "control-slot" };

export interface RunOptions {
  /** Address whose execution ends the run; unmapped (unicorn.md, trap 5). */
  until: bigint;
  /** Instructions that may execute; a run that uses them up stops exactly there. */
  budget: number;
  /** Record every instruction and every memory access (slow: about 10 M/s). */
  trace?: Trace;
}

/** Receives full chunks while a traced run goes on and the rest at its end; the arrays are only valid during the call. */
export interface Trace {
  steps(records: BigUint64Array, count: number): void;
  accesses(records: BigUint64Array, count: number): void;
}

/** Opaque, owned by the engine that made it. */
export interface Snapshot {
  readonly bytes: number;
}

export interface Engine {
  readonly name: string;
  /** The register file: read after a stop and in a watch's call; written values take effect when the run goes on. */
  readonly regs: BigUint64Array;
  /** Written into every event and step; the machine keeps CPU and task here. */
  tag: bigint;
  /** Instructions executed; settable. A `rep` string instruction is one, whatever it repeats. */
  icount: number;
  /** Another thread sets index 0 to non-zero to end a run with `stopped`. */
  readonly stopFlag: Int32Array;

  /** Map zeroed pages; addr and size are page (4096) multiples. Throws EngineError on overlap. */
  map(addr: bigint, size: number, prot: number): void;
  protect(addr: bigint, size: number, prot: number): void;
  /** Host access, ignores protection. Throws EngineError with the first unmapped address. A write to code is seen at once. */
  read(addr: bigint, size: number): Uint8Array;
  write(addr: bigint, bytes: Uint8Array): void;

  /** Say what code is at addr.., one mark per byte; the range must be mapped. Replaces earlier marks there. */
  mark(addr: bigint, marks: Uint32Array): void;
  /** Define (or redefine) what watch `id` does; marks refer to it. */
  watch(id: number, watch: Watch): void;
  /** Hits of a counting watch; settable through resetHits. */
  hits(id: number): number;
  resetHits(): void;
  /**
   * Guard a stack: stores into [low, high) below rsp (where rsp is in it), or into a control slot, stop the run. Several may
   * be guarded. Guarding a range again forgets its control slots, and older ranges that it overlaps.
   */
  guardStack(low: bigint, high: bigint): void;

  /** Receives event records when the ring fills up and when a run ends; the array is only valid during the call. */
  onEvents: ((records: BigUint64Array, count: number) => void) | undefined;

  run(options: RunOptions): Stop;

  /** Memory, registers, icount, hit counts and control slots. Mapping, marks and watches made later are not undone. */
  snapshot(): Snapshot;
  restore(snapshot: Snapshot): void;
  drop(snapshot: Snapshot): void;

  /** Frees all native memory at once; idempotent. Throws EngineError while running. */
  close(): void;
}

export class EngineError extends Error {
  override name = "EngineError";
}
