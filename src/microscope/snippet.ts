import {
  ACCESS_WORDS,
  GS_BASE,
  MARK_BY_DIRECT,
  MARK_BY_INDIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_INDIRECT,
  MARK_INSN,
  MARK_RET,
  MARK_WATCH_SHIFT,
  NREGS,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RFLAGS,
  RIP,
  RSP,
  STEP_WORDS,
  type Stop,
} from "../../emulator/engine.ts";
import { entryPattern } from "../../emulator/entry.ts";
import { poison } from "../../emulator/host.ts";
import { RETURN_TO_KERNEL, STACK_BASE } from "../../emulator/layout.ts";
import { GuestMemory } from "../../emulator/memory.ts";
import { NativeEngine } from "../../emulator/native/engine.ts";
import { takeApart } from "../import/recognise/code.ts";
import type { MemoryAccess, SnippetEnd, SnippetRun, SnippetStep } from "./run.ts";

/** Machine code, and what it finds. */
export interface Snippet {
  bytes: Uint8Array;
  /** where bytes[0] is */
  address: bigint;
  /** register number (0 to 15, RFLAGS, GS_BASE) -> value; the others hold patterns, rsp the stack's top */
  registers: ReadonlyMap<number, bigint>;
  /** what lies in memory besides the code and a stack; whole pages around it are mapped, zero */
  memory: readonly { address: bigint; bytes: Uint8Array }[];
  /** instructions that may execute */
  budget: number;
}

/** Bytes of the stack that a snippet finds, most of it below rsp. */
const STACK_SIZE = 0x10000n;
const STACK_TOP = STACK_BASE + STACK_SIZE - 0x100n;
/** Steps and accesses that are kept; a run may go on beyond them. */
const MOST_STEPS = 10_000;
/** What is at every byte of the code: anything may arrive there, and do anything. */
const ANYTHING = MARK_INSN | MARK_BY_DIRECT | MARK_BY_INDIRECT | MARK_BY_RET | MARK_DIRECT | MARK_INDIRECT | MARK_RET;
/** Registers that a C function may change (System V ABI), and what it leaves in the flags. */
export const SCRATCHED: readonly number[] = [0, 1, 2, 6, 7, 8, 9, 10, 11];
const FLAGS_AFTER_CALL = 0x8d5n | 0x202n;

const END_WATCH = 1;
const CALL_WATCH = 2;

/**
 * Run machine code by itself, every instruction and access noted. What it calls outside of itself are C functions that scratch all that they
 * may. It ends by running off its end, by a ret to whoever called it, or where it cannot go on.
 */
export function runSnippet(snippet: Snippet): SnippetRun {
  const engine = new NativeEngine();
  try {
    return new Microscope(engine, snippet).run();
  } finally {
    engine.close();
  }
}

class Microscope {
  readonly #engine: NativeEngine;
  readonly #snippet: Snippet;
  readonly #steps: SnippetStep[] = [];
  readonly #accesses: MemoryAccess[] = [];

  constructor(engine: NativeEngine, snippet: Snippet) {
    this.#engine = engine;
    this.#snippet = snippet;
    this.#place();
    const { regs } = engine;
    for (let reg = 0; reg < 16; reg++) regs[reg] = snippet.registers.get(reg) ?? entryPattern(reg);
    regs[RSP] = snippet.registers.get(RSP) ?? STACK_TOP;
    regs[RFLAGS] = (snippet.registers.get(RFLAGS) ?? 0x202n) | 2n;
    regs[GS_BASE] = snippet.registers.get(GS_BASE) ?? 0n;
    regs[RIP] = snippet.address;
  }

  #place(): void {
    const engine = this.#engine;
    const { bytes, address, memory, registers } = this.#snippet;
    const guest = new GuestMemory(engine);
    const end = bytes.length;
    // code may write itself
    guest.ensure(address, BigInt(end + 1), PROT_READ | PROT_WRITE | PROT_EXEC);
    engine.write(address, Uint8Array.from([...bytes, 0x90]));
    engine.mark(
      address,
      new Uint32Array(end + 1).fill(ANYTHING, 0, end).fill(ANYTHING | (END_WATCH << MARK_WATCH_SHIFT), end),
    );
    engine.watch(END_WATCH, { stop: true });
    engine.watch(CALL_WATCH, { call: () => this.#scratch() });
    for (const { target } of takeApart(bytes).pieces) {
      if (target === undefined || (target >= 0 && target <= end)) continue;
      const to = BigInt.asUintN(64, address + BigInt(target));
      guest.ensure(to, 1n, PROT_READ | PROT_EXEC);
      engine.write(to, Uint8Array.of(0xc3));
      engine.mark(to, Uint32Array.of((ANYTHING | (CALL_WATCH << MARK_WATCH_SHIFT)) >>> 0));
    }
    guest.ensure(STACK_BASE, STACK_SIZE, PROT_READ | PROT_WRITE);
    for (const { address: at, bytes: content } of memory) {
      guest.ensure(at, BigInt(Math.max(1, content.length)), PROT_READ | PROT_WRITE);
      engine.write(at, content);
    }
    if (!registers.has(RSP)) guest.store(STACK_TOP, 8, RETURN_TO_KERNEL);
  }

  #scratch(): void {
    const { regs } = this.#engine;
    for (const reg of SCRATCHED) regs[reg] = poison(reg);
    regs[0] = 0n;
    regs[RFLAGS] = FLAGS_AFTER_CALL;
  }

  run(): SnippetRun {
    const engine = this.#engine;
    const before = BigUint64Array.from(engine.regs.subarray(0, NREGS));
    const stop = engine.run({ until: RETURN_TO_KERNEL, budget: this.#snippet.budget, trace: this });
    return {
      before,
      after: BigUint64Array.from(engine.regs.subarray(0, NREGS)),
      instructions: engine.icount,
      steps: this.#steps,
      accesses: this.#accesses,
      end: endOf(stop),
    };
  }

  steps(records: BigUint64Array, count: number): void {
    for (let i = 0; i < count && this.#steps.length < MOST_STEPS; i++) {
      const at = i * STEP_WORDS;
      this.#steps.push({ pc: records[at], flags: records[at + 2], registers: records.slice(at + 4, at + 20) });
    }
  }

  accesses(records: BigUint64Array, count: number): void {
    for (let i = 0; i < count && this.#accesses.length < MOST_STEPS; i++) {
      const at = i * ACCESS_WORDS;
      const offset = records[at + 1] - this.#snippet.address;
      if (offset < 0n || offset >= BigInt(this.#snippet.bytes.length)) continue; // a C function's
      const size = Number(records[at + 3] & 0xffffffffn);
      const write = records[at + 3] >> 32n !== 0n;
      this.#accesses.push({
        pc: records[at + 1],
        address: records[at + 2],
        size,
        write,
        old: records[at + 4],
        now: records[at + 5],
      });
    }
  }
}

function endOf(stop: Stop): SnippetEnd {
  switch (stop.kind) {
    case "watch":
      return { kind: "end" };
    case "until":
      return { kind: "return" };
    case "budget":
      return { kind: "budget" };
    case "fault":
      return { kind: "fault", pc: stop.pc, access: stop.access, address: stop.addr, size: stop.size };
    case "exception":
      return { kind: "exception", pc: stop.pc, vector: stop.vector };
    default:
      return { kind: "away", pc: stop.pc };
  }
}
