import type { Image } from "../../bpf/image.ts";
import type { Insn } from "../../bpf/insn.ts";
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_LDX,
  BPF_PROBE_ATOMIC,
  BPF_REG_AX,
  BPF_REG_FP,
  BPF_ST,
  BPF_STX,
  BPF_TAIL_CALL,
  BPF_X,
  CALL,
  classOf,
  EXIT,
  isPacketLoad,
  LD_IMM64,
  modeOf,
} from "../../bpf/opcode.ts";
import { JitError } from "../error.ts";
import type { JitFunction } from "../function.ts";
import type { X86Profile } from "../profile.ts";
import { Code } from "./code.ts";
import { designOf } from "./designs/index.ts";
import { type Fn, savedRegisters } from "./fn.ts";
import { lowerAtomic } from "./lower/atomic.ts";
import { indirectJump } from "./lower/branch.ts";
import { lowerCall } from "./lower/call.ts";
import { CFI_PREAMBLE, hashRegister } from "./lower/cfi.ts";
import { lowerExit } from "./lower/exit.ts";
import { exactFrame } from "./lower/frame.ts";
import { lowerCondJump, lowerJump } from "./lower/jump.ts";
import { lowerMemory } from "./lower/memory.ts";
import { loadImmHalves } from "./lower/move.ts";
import { loadPacket } from "./lower/packet.ts";
import { prologue } from "./lower/prologue.ts";
import { landingOffset, tailCallDirect, tailCallIndirect } from "./lower/tail-call.ts";
import { LOWERINGS } from "./lowerings.ts";
import { R9, X86_OF_BPF } from "./regs.ts";

/** pass from which on jumps are padded (PADDING_PASSES) */
const PADDING_PASSES = 15;
/** bytes that every instruction is assumed to take before the first pass */
const FIRST_GUESS = 64;

/** A function whose size is known: it can be given an address. */
export interface SizedFunction {
  readonly input: JitFunction;
  readonly bytes: number;
  /** bpf_func, in bytes from the start: behind a CFI preamble */
  readonly entry: number;
  /** The last pass, at that address; call targets and function addresses in the input must be final by now. */
  emit(address: bigint): Image;
}

/**
 * Compile one function as the kernel's bpf_int_jit_compile does: passes until the size is stable, then one that is kept.
 * `symbol` gives addresses of kernel symbols. Throws JitError where the kernel's JIT would give up.
 */
export function sizeFunction(input: JitFunction, profile: X86Profile, symbol: (name: string) => bigint): SizedFunction {
  const f = newFn(input, profile, symbol);
  const { jumpPadding, maxPasses } = profile.features;
  const passes: number[] = [];
  let length = 0;
  for (let pass = 0; ; pass++) {
    if (pass >= maxPasses) throw new JitError(`${input.name}: no stable size after ${maxPasses} passes`);
    f.padding = jumpPadding && pass >= PADDING_PASSES;
    const next = runPass(f, false);
    passes.push(next);
    if (next === length) break;
    length = next;
  }
  return { input, bytes: length, entry: entryOf(profile), emit: (address) => emit(f, address, length, passes) };
}

function emit(f: Fn, address: bigint, length: number, passes: number[]): Image {
  f.base = address;
  f.padding ||= f.input.extraPass && f.profile.features.jumpPadding;
  if (runPass(f, true) !== length) throw new JitError(`${f.input.name}: the last pass changed the size`);
  return toImage(f, f.ends[0], [...passes, length]);
}

function newFn(input: JitFunction, profile: X86Profile, symbol: (name: string) => bigint): Fn {
  const ends = new Int32Array(input.insns.length + 1);
  for (let i = 0; i < ends.length; i++) ends[i] = FIRST_GUESS * (i + 1);
  const design = designOf(profile);
  return {
    c: new Code(),
    name: input.name,
    input,
    profile,
    design,
    lower: { ...LOWERINGS, ...profile.deviation?.lowerings },
    frame: design.frame ?? exactFrame,
    depth: input.privateStack === undefined ? (input.stackDepth + 7) & ~7 : 0,
    saved: savedRegisters(input),
    slot: -1,
    base: 0n,
    symbol,
    thunks: new Set(profile.features.callDepth ? profile.features.callThunks.map(symbol) : []),
    ends,
    epilogue: ends[ends.length - 1],
    exitSeen: false,
    loadsPacket: input.insns.some(({ code }) => isPacketLoad(code)),
    usesAx: input.insns.some(({ dst, src }) => dst === BPF_REG_AX || src === BPF_REG_AX),
    padding: false,
    slots: [],
    tailCalls: [],
    pokes: [],
    extable: [],
  };
}

/** One pass over the function; returns its size and leaves the ends of this pass. */
function runPass(f: Fn, final: boolean): number {
  const { c, ends, input } = f;
  c.restart(final);
  f.exitSeen = false;
  f.slots = [];
  f.tailCalls = [];
  f.pokes = [];
  f.extable = [];
  f.slot = -1;
  prologue(f);
  ends[0] = c.pos;
  const { insns } = input;
  for (let slot = 0; slot < insns.length; slot++) {
    const start = slot;
    f.slot = slot;
    slot += lowerInsn(f, insns, slot);
    if (final && c.pos !== ends[slot + 1])
      throw new JitError(`${input.name}: the last pass moved an instruction by ${c.pos - ends[slot + 1]} bytes`, start);
    ends[slot + 1] = c.pos;
  }
  return c.pos;
}

/** Emit one instruction; returns how many extra slots it takes. */
function lowerInsn(f: Fn, insns: readonly Insn[], slot: number): number {
  const insn = insns[slot];
  const { code } = insn;
  const dst = x86Register(f, insn.dst);
  const src = x86Register(f, insn.src);
  switch (classOf(code)) {
    case BPF_ALU:
    case BPF_ALU64:
      f.lower.alu(f, insn, dst, src, slot);
      return 0;
    case BPF_LDX:
    case BPF_ST:
      lowerMemory(f, insn, dst, src, slot);
      return 0;
    case BPF_STX:
      if (modeOf(code) === BPF_ATOMIC || modeOf(code) === BPF_PROBE_ATOMIC) lowerAtomic(f, insn, dst, src, slot);
      else lowerMemory(f, insn, dst, src, slot);
      return 0;
  }
  switch (code) {
    case LD_IMM64:
      if (!insns[slot + 1]) throw new JitError(`${f.input.name}: LD_IMM64 without its second half`, slot);
      loadImmHalves(f, dst, insn.imm, insns[slot + 1].imm);
      f.ends[slot + 1] = f.c.pos;
      return 1;
    case CALL:
      lowerCall(f, insn, slot);
      return 0;
    case EXIT:
      lowerExit(f, slot);
      return 0;
    case BPF_JMP | BPF_TAIL_CALL:
      if (insn.imm) tailCallDirect(f, slot, insn.imm - 1);
      else tailCallIndirect(f, slot);
      return 0;
    case BPF_JMP | BPF_JA:
      lowerJump(f, insn.off, slot);
      return 0;
    case BPF_JMP32 | BPF_JA:
      lowerJump(f, insn.imm, slot);
      return 0;
    case BPF_JMP | BPF_JA | BPF_X:
      indirectJump(f, dst);
      return 0;
  }
  if (isPacketLoad(code) && f.profile.features.skbLoads) {
    loadPacket(f, insn, src);
    return 0;
  }
  if (classOf(code) === BPF_JMP || classOf(code) === BPF_JMP32) {
    lowerCondJump(f, insn, dst, src, slot);
    return 0;
  }
  throw new JitError(`${f.input.name}: unknown opcode 0x${code.toString(16)}`, slot);
}

/** The x86 register of a BPF register; the frame pointer is r9 on a private stack. */
function x86Register(f: Fn, reg: number): number {
  if (reg === BPF_REG_FP && f.input.privateStack !== undefined) return R9;
  if (reg >= X86_OF_BPF.length) throw new JitError(`${f.input.name}: no register r${reg}`, f.slot);
  return X86_OF_BPF[reg];
}

function toImage(f: Fn, body: number, passes: number[]): Image {
  const { c, input } = f;
  const { cfi, ibt, patchSite } = f.profile.features;
  const entry = entryOf(f.profile);
  const slotOf = (insn: number): number => input.origin?.[insn] ?? insn;
  return {
    name: input.name,
    nargs: input.nargs,
    address: f.base,
    bytes: c.bytes.slice(0, c.pos),
    ...(f.design.entry === "run-ctx" && !input.isSubprog && input.tailCallReachable ? { runCtx: true } : {}),
    entry,
    checked:
      cfi?.kind === "fineibt"
        ? { register: hashRegister(cfi), hash: cfi.hash[input.isSubprog ? "subprog" : "main"] }
        : undefined,
    patchSite: patchSite ? entry + (ibt ? 4 : 0) : undefined,
    landing: input.classic || input.exceptionCallback ? undefined : entry + landingOffset(f),
    body,
    ends: originalEnds(f),
    starts: c.starts,
    flags: c.flags,
    notes: c.notes,
    frame: { depth: f.depth, slots: f.slots },
    tailCalls: f.tailCalls.map((site) => ({ ...site, insn: slotOf(site.insn) })),
    pokes: f.pokes.map((site) => ({ ...site, insn: slotOf(site.insn) })),
    extable: f.extable,
    epilogue: f.epilogue,
    passes,
  };
}

/** Bytes in front of bpf_func (cfi_get_offset). */
const entryOf = ({ features }: X86Profile): number => (features.cfi ? CFI_PREAMBLE : 0);

/** Ends of the code of the slots that the verifier left, in place of those that were compiled. */
function originalEnds({ ends, input: { origin } }: Fn): Int32Array {
  if (!origin?.length) return ends;
  const original = new Int32Array(origin[origin.length - 1] + 2);
  original[0] = ends[0];
  origin.forEach((slot, i) => {
    original[slot + 1] = ends[i + 1];
  });
  return original;
}
