import type { Insn } from "../insn.ts";
import * as O from "../opcode.ts";
import * as P from "../program.ts";
import { VerifierError } from "./error.ts";
import { isTailCall } from "./functions.ts";

const MAX_FRAMES = 8;
const MAX_STACK = 512;
const PRIVATE_STACK_MIN = 64;
/** Chains of calls that are followed at most: there may be exponentially many. */
const MAX_CHAINS = 1_000_000;

/** A function as the call-graph walk sees it. */
export interface StackFunction {
  start: number;
  /** bytes of its own */
  stackDepth: number;
  isCallback?: boolean;
  isExceptionCallback?: boolean;
}

/** What the walk decides for one function. */
export interface StackVerdict {
  tailCallReachable: boolean;
  privateStack: boolean;
}

export interface StackEra {
  /** a callee that can tail call marks the functions called after it too (up to 7.1) */
  tailCallReachableLeaks: boolean;
  /** frames are rounded up to this in the sum */
  stackRounding: 16 | 32;
}

interface Call {
  at: number;
  callee: number;
}

/** Functions called, or whose address is taken, by each function, in order. */
function callsOf(insns: readonly Insn[], functions: readonly StackFunction[]): Call[][] {
  const index = new Map(functions.map((f, i) => [f.start, i]));
  return functions.map((f, n) => {
    const calls: Call[] = [];
    for (let i = f.start; i < (functions[n + 1]?.start ?? insns.length); i++) {
      const { code, src, imm } = insns[i];
      const called = code === O.CALL && src === O.BPF_PSEUDO_CALL;
      if (!called && !(code === O.LD_IMM64 && src === O.BPF_PSEUDO_FUNC)) continue;
      const callee = index.get(i + imm + 1);
      if (callee === undefined) throw new VerifierError(i, `no program starts at insn ${i + imm + 1}`);
      calls.push({ at: i, callee });
    }
    return calls;
  });
}

/**
 * check_max_stack_depth(): follows all chains of calls from the main function, where a program may use 512 bytes, and 256 before a function
 * that tail calls. `privateStack`: functions of 64 bytes and more get one of their own. Throws VerifierError.
 */
export function walkCalls(
  insns: readonly Insn[],
  functions: readonly StackFunction[],
  era: StackEra,
  privateStack = false,
): StackVerdict[] {
  const ends = (f: number) => functions[f + 1]?.start ?? insns.length;
  const hasTailCall = functions.map((f, n) => insns.slice(f.start, ends(n)).some(isTailCall));
  const verdicts = hasTailCall.map((tailCallReachable) => ({ tailCallReachable, privateStack: false }));
  const calls = callsOf(insns, functions);
  const supported = privateStack && !hasTailCall.includes(true);
  const { stackRounding } = era;
  const rounded = (f: number) => {
    const { stackDepth } = functions[f];
    const least = stackRounding === 32 ? Math.max(stackDepth, 1) : stackDepth;
    return Math.ceil(least / stackRounding) * stackRounding;
  };
  let depth = 0;
  let reachable = false;
  const chain: number[] = [];

  let chains = 0;
  const visit = (f: number, at: number): void => {
    if (++chains > MAX_CHAINS) throw new VerifierError(at, "the call graph is too complex");
    if (f && hasTailCall[f] && depth >= 256)
      throw new VerifierError(
        at,
        `tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`,
      );
    const own = rounded(f);
    if (supported && own >= PRIVATE_STACK_MIN) verdicts[f].privateStack = true;
    const counted = verdicts[f].privateStack ? 0 : own;
    depth += counted;
    chain.push(f);
    if (depth > MAX_STACK || own > MAX_STACK)
      throw new VerifierError(at, `combined stack size of ${chain.length} calls is ${depth}. Too large`);
    // before 7.2 what one callee can do is said of all that are called after it
    if (!era.tailCallReachableLeaks) reachable = hasTailCall[f];
    for (const { at: from, callee } of calls[f]) {
      if (hasTailCall[callee]) reachable = true;
      if (chain.length >= MAX_FRAMES)
        throw new VerifierError(from, `the call stack of ${chain.length} frames is too deep !`);
      visit(callee, from);
      if (!era.tailCallReachableLeaks) reachable = verdicts[f].tailCallReachable;
    }
    if (reachable)
      for (const caller of chain.slice(0, -1)) {
        if (functions[caller].isExceptionCallback) throw new VerifierError(at, "cannot tail call within exception cb");
        verdicts[caller].tailCallReachable = true;
      }
    chain.pop();
    depth -= counted;
  };
  visit(0, 0);
  return verdicts;
}

/** bpf_enable_priv_stack(): program types that may nest on one CPU. */
export function mayUsePrivateStack(progType: number, attach: string | undefined): boolean {
  switch (progType) {
    case P.PROG_TYPE_KPROBE:
    case P.PROG_TYPE_TRACEPOINT:
    case P.PROG_TYPE_RAW_TRACEPOINT:
      return true;
    case P.PROG_TYPE_TRACING:
      return attach !== undefined;
    default:
      return false;
  }
}

/** Functions from which a tail call may happen, in them or below: what the kernel of this era tells its JIT. */
export const tailCallReachable = (
  insns: readonly Insn[],
  starts: readonly number[],
  era: Pick<StackEra, "tailCallReachableLeaks">,
): boolean[] =>
  walkCalls(
    insns,
    starts.map((start) => ({ start, stackDepth: 0 })),
    { ...era, stackRounding: 16 },
  ).map((v) => v.tailCallReachable);
