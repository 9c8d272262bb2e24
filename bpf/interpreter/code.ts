import { BPF_JMP, BPF_JMP32, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CALL, classOf, JA32, LD_IMM64 } from "../opcode.ts";
import { CODE_ADDRESS, type Runnable } from "./runnable.ts";

/** Ends the code: no instruction has this opcode. */
const OFF_THE_END = 0xff;

/** A program as arrays, one element for each slot, with jump targets worked out. */
export class Code {
  readonly program: Runnable;
  readonly length: number;
  readonly code: Uint8Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly off: Int16Array;
  readonly imm: Int32Array;
  /** slot a jump or a call of a subprogram goes to; `length` where it leaves the program */
  readonly target: Int32Array;
  readonly address: bigint;
  /** bytes of stack that a function of it may use */
  readonly stackDepth: number;
  /** slot of the exception callback, or -1 */
  readonly exceptionCallback: number;

  constructor(program: Runnable) {
    const { insns } = program;
    const slots = insns.length + 1;
    this.program = program;
    this.length = insns.length;
    this.code = new Uint8Array(slots).fill(OFF_THE_END);
    this.dst = new Uint8Array(slots);
    this.src = new Uint8Array(slots);
    this.off = new Int16Array(slots);
    this.imm = new Int32Array(slots);
    this.target = new Int32Array(slots);
    for (let slot = 0; slot < insns.length; slot++) {
      const { code, dst, src, off, imm } = insns[slot];
      this.code[slot] = code;
      this.dst[slot] = dst;
      this.src[slot] = src;
      this.off[slot] = off;
      this.imm[slot] = imm;
      this.target[slot] = this.#targetOf(slot);
    }
    this.address = program.address ?? CODE_ADDRESS;
    const functions = program.functions ?? [];
    this.stackDepth = Math.max(0, ...functions.map((func) => func.stackDepth ?? 0));
    this.exceptionCallback = functions.find((func) => func.exceptionCallback)?.start ?? -1;
  }

  addressOf(slot: number): bigint {
    return this.address + 8n * BigInt(slot);
  }

  slotAt(address: bigint): number {
    const distance = BigInt.asUintN(64, address) - this.address;
    return distance >= 0n && distance < 8n * BigInt(this.length) && distance % 8n === 0n
      ? Number(distance) / 8
      : this.length;
  }

  #targetOf(slot: number): number {
    const code = this.code[slot];
    const isCall = code === CALL && this.src[slot] === BPF_PSEUDO_CALL;
    const isAddress = code === LD_IMM64 && this.src[slot] === BPF_PSEUDO_FUNC;
    if (isCall || isAddress) return this.#callee(slot);
    if (code === JA32) return this.#within(slot + 1 + this.imm[slot]);
    const isJump = classOf(code) === BPF_JMP || classOf(code) === BPF_JMP32;
    return isJump ? this.#within(slot + 1 + this.off[slot]) : this.length;
  }

  #within(slot: number): number {
    return slot >= 0 && slot < this.length ? slot : this.length;
  }

  #callee(slot: number): number {
    const { functions, callees } = this.program;
    const imm = this.imm[slot];
    return this.#within(callees === "index" ? (functions?.[imm]?.start ?? -1) : slot + 1 + imm);
  }
}

const decoded = new WeakMap<Runnable, Code>();

/** The Code of a program, decoded once. */
export function codeOf(program: Runnable): Code {
  let code = decoded.get(program);
  if (!code) {
    code = new Code(program);
    decoded.set(program, code);
  }
  return code;
}
