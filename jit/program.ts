import type { Image } from "../bpf/image.ts";
import type { Insn } from "../bpf/insn.ts";
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CALL, LD_IMM64 } from "../bpf/opcode.ts";
import type { Xlated, XlatedFunction } from "../bpf/xlated.ts";
import { blindConstants } from "./blind.ts";
import { JitError } from "./error.ts";
import type { JitFunction } from "./function.ts";
import type { X86Profile } from "./profile.ts";
import { sizeFunction } from "./x86/compile.ts";
import { designOf } from "./x86/designs/index.ts";

/** What compiling a program needs from its surroundings. All addresses are u64. */
export interface ProgramEnvironment {
  /** address of a kernel symbol (helper, thunk, per-CPU variable) */
  symbol(name: string): bigint;
  /** address of a struct bpf_map */
  map(name: string): bigint;
  /** address of an array's first value */
  mapValue(name: string): bigint;
  /** where the image of function `index`, that many bytes long, goes */
  place(index: number, bytes: number): bigint;
  /** per-CPU address of function `index`'s private stack, guards included */
  privateStack?(index: number, bytes: number): bigint;
  /** u32; given: constants are blinded with it (net.core.bpf_jit_harden) */
  random?(index: number): number;
}

export interface ProgramOptions {
  classic?: boolean;
  unprivileged?: boolean;
}

/** Address that stands for a function before it has one: in the JIT region, so that it is as long as the real one. */
const SOMEWHERE = 0xffffffffc0000000n;

/** Guard words around a private stack, in bytes. */
const PRIVATE_STACK_GUARDS = 16;

/**
 * All functions of a program to machine code (jit_subprogs, kernel/bpf/verifier.c): size each, give them addresses, fill the
 * addresses in, emit.
 */
export function compileProgram(
  name: string,
  xlated: Xlated,
  profile: X86Profile,
  env: ProgramEnvironment,
  options: ProgramOptions = {},
): Image[] {
  const linked = linkMaps(xlated, env);
  const inputs = xlated.functions.map((_, index) => functionInput(name, xlated, linked, index, profile, env, options));
  const sized = inputs.map((input) => sizeFunction(input, profile, env.symbol));
  const addresses = sized.map((function_, index) => env.place(index, function_.bytes));
  const entries = addresses.map((address, index) => address + BigInt(sized[index].entry));
  for (const input of inputs) fillAddresses(input, entries);
  return sized.map((function_, index) => function_.emit(addresses[index]));
}

/** The instructions with the addresses of maps and symbols in their immediates. */
function linkMaps(xlated: Xlated, env: ProgramEnvironment): Insn[] {
  const insns = xlated.insns.map((insn) => ({ ...insn }));
  for (const ref of xlated.mapRefs) {
    const address = ref.kind === "map" ? env.map(ref.map) : env.mapValue(ref.map) + BigInt(ref.off);
    setImm64(insns, ref.insn, address);
    insns[ref.insn].src = 0;
  }
  for (const ref of xlated.symbolRefs) {
    const address = env.symbol(ref.symbol) + BigInt(ref.addend);
    if (insns[ref.insn].code === LD_IMM64) setImm64(insns, ref.insn, address);
    else insns[ref.insn].imm = Number(BigInt.asIntN(32, address));
  }
  return insns;
}

/** The entry's image is named like its program, a subprogram's program#function. */
export const imageName = (program: string, fn: XlatedFunction, index: number): string =>
  index === 0 ? program : `${program}#${fn.name}`;

function setImm64(insns: Insn[], slot: number, value: bigint): void {
  insns[slot].imm = Number(BigInt.asIntN(32, value));
  insns[slot + 1].imm = Number(BigInt.asIntN(32, value >> 32n));
}

function functionInput(
  program: string,
  xlated: Xlated,
  linked: Insn[],
  index: number,
  profile: X86Profile,
  env: ProgramEnvironment,
  options: ProgramOptions,
): JitFunction {
  const fn = xlated.functions[index];
  const insns = linked.slice(fn.start, fn.start + fn.insns);
  const calls = new Map<number, bigint>();
  const removed = removedDistances(xlated, fn, insns);
  insns.forEach((insn, slot) => {
    if (removed.has(slot)) return;
    if (insn.code === CALL) calls.set(slot, callTarget(xlated, fn.start + slot, insn, env));
    else if (insn.code === LD_IMM64 && insn.src === BPF_PSEUDO_FUNC && xlated.functions.length > 1)
      markFunction(insns, slot);
  });
  const input: JitFunction = {
    name: imageName(program, fn, index),
    nargs: fn.nargs,
    insns,
    calls,
    removed,
    isSubprog: index > 0,
    stackDepth: fn.stackDepth,
    tailCallReachable: fn.tailCallReachable,
    exceptionBoundary: fn.exceptionBoundary ?? false,
    exceptionCallback: fn.exceptionCallback ?? false,
    classic: options.classic ?? false,
    unprivileged: options.unprivileged ?? false,
    privateStack: privateStack(fn, index, env),
    pokes: xlated.pokes.map(({ map, key }) => ({ map, key })),
    extraPass: xlated.functions.length > 1,
  };
  const rewritten = designOf(profile).rewrite?.(input, env.symbol, profile) ?? input;
  const blinded = env.random ? blindConstants(rewritten, () => env.random!(index)) : rewritten;
  for (const [slot, distance] of blinded.removed)
    if (blinded.insns[slot].code === CALL) blinded.calls.set(slot, env.symbol("__bpf_call_base") + BigInt(distance));
  return blinded;
}

/** Distances to functions that are gone: an LD_IMM64 holds its own, a CALL's callee is named by it. */
function removedDistances(xlated: Xlated, fn: XlatedFunction, insns: Insn[]): Map<number, number> {
  const removed = new Map<number, number>();
  for (const at of xlated.removedCallees ?? []) {
    const slot = at - fn.start;
    const insn = insns[slot];
    if (!insn) continue;
    if (insn.code === LD_IMM64) {
      insn.src = BPF_PSEUDO_FUNC; // still no constant to be blinded
      removed.set(slot, insn.imm);
    } else removed.set(slot, Number(/^__bpf_call_base\+(0x[0-9a-f]+)$/.exec(xlated.calls.get(at) ?? "")?.[1]));
  }
  return removed;
}

function privateStack(fn: XlatedFunction, index: number, env: ProgramEnvironment): bigint | undefined {
  if (!fn.privateStack) return undefined;
  if (!env.privateStack) throw new JitError(`function ${index} wants a private stack and there is none`);
  return env.privateStack(index, ((fn.stackDepth + 7) & ~7) + PRIVATE_STACK_GUARDS);
}

/** Helpers and kfuncs have their address; functions of the program get SOMEWHERE plus their index for now. */
function callTarget(xlated: Xlated, slot: number, insn: Insn, env: ProgramEnvironment): bigint {
  if (insn.src === BPF_PSEUDO_CALL && insn.imm < xlated.functions.length && xlated.functions.length > 1)
    return SOMEWHERE + BigInt(insn.imm);
  const callee = xlated.calls.get(slot);
  if (callee === undefined) throw new JitError(`nothing is known of the call at ${slot}`, slot);
  return env.symbol(callee);
}

/** LD_IMM64 of a function: remember which one where its address will be. */
function markFunction(insns: Insn[], slot: number): void {
  const index = insns[slot].imm;
  setImm64(insns, slot, SOMEWHERE + BigInt(index));
}

/** Replace SOMEWHERE plus index by the function's address. */
function fillAddresses(input: JitFunction, addresses: readonly bigint[]): void {
  const resolve = (value: bigint): bigint => addresses[Number(value - SOMEWHERE)] ?? value;
  for (const [slot, target] of input.calls) input.calls.set(slot, resolve(target));
  input.insns.forEach((insn, slot) => {
    if (insn.code !== LD_IMM64 || insn.src !== BPF_PSEUDO_FUNC) return;
    const value = (BigInt(input.insns[slot + 1].imm) << 32n) | BigInt(insn.imm >>> 0);
    setImm64(input.insns, slot, resolve(BigInt.asUintN(64, value)));
  });
}
