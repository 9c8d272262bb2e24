import type { Image } from "../../bpf/image.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import type { X86Profile } from "../../jit/profile.ts";
import type { FuncModel } from "../../jit/trampoline.ts";
import { Code } from "../../jit/x86/code.ts";
import { ADD, opRegReg, XOR } from "../../jit/x86/encode/alu.ts";
import { endbr64, nops, pop, push, ret } from "../../jit/x86/encode/control.ts";
import { lea, load, store } from "../../jit/x86/encode/memory.ts";
import { movRegReg, movsx } from "../../jit/x86/encode/move.ts";
import { PATCH_SIZE } from "../../jit/x86/lower/tail-call.ts";
import { R8, R9, R10, R11, RAX, RBP, RCX, RDI, RDX, RSI, RSP } from "../../jit/x86/regs.ts";
import { type KernelFunction, type Parameter, SIZES } from "../scenario/kernel-functions.ts";

export const modelOf = ({ parameters }: KernelFunction): FuncModel => ({
  args: parameters.map((type) => ({ size: SIZES[type], ...(SIZES[type] > 8 ? { struct: true } : {}) })),
});

/** 8-byte words that its arguments take. */
export const wordsOf = ({ parameters }: KernelFunction): Parameter[] =>
  parameters.flatMap((type) => (SIZES[type] > 8 ? (["long", "long"] as const) : [type]));

/** What its caller puts into registers and on the stack: memory for what pointers point to. */
export function argumentsOf(kernel: Kernel, fn: KernelFunction, given: readonly bigint[] | undefined): bigint[] {
  const { machine } = kernel;
  return wordsOf(fn).map((type, i) => {
    const value = (given ?? fn.calledWith)[i] ?? 0n;
    if (type !== "int *") return value;
    const address = machine.heap.take(4, 8);
    machine.memory.store(address, 4, BigInt.asUintN(32, value));
    return address;
  });
}

const REGISTERS = [RDI, RSI, RDX, RCX, R8, R9];

/** The function as a compiler makes it, with the patch site that ftrace leaves. */
export function placeKernelFunction({ machine }: Kernel, fn: KernelFunction, profile: X86Profile): PlacedFunction {
  const c = new Code();
  c.restart(true);
  const { ibt } = profile.features;
  if (ibt) endbr64(c);
  const patchSite = c.pos;
  nops(c, PATCH_SIZE); // 0f 1f 44 00 00
  const body = c.pos;
  push(c, RBP);
  movRegReg(c, true, RBP, RSP);
  opRegReg(c, XOR, false, RAX, RAX);
  wordsOf(fn).forEach((type, i) => {
    addArgument(c, type, i);
  });
  if (fn.plus) lea(c, RAX, RAX, fn.plus);
  movRegReg(c, false, RAX, RAX); // they return int
  const epilogue = c.pos;
  pop(c, RBP);
  ret(c);
  const end = c.pos;
  const image: Image = {
    name: fn.name,
    nargs: wordsOf(fn).length,
    address: machine.allocateCode(end),
    bytes: c.bytes.slice(0, end),
    entry: 0,
    patchSite,
    body,
    ends: Int32Array.of(body, end),
    starts: c.starts,
    flags: c.flags,
    notes: c.notes,
    tailCalls: [],
    pokes: [],
    extable: [],
    frame: { depth: 0, slots: [] },
    epilogue,
    passes: [end],
  };
  return machine.place(image);
}

/** eax += the argument, as wide as its type; what a pointer points to counts up first. */
function addArgument(c: Code, type: Parameter, index: number): void {
  if (index < REGISTERS.length) movRegReg(c, true, R10, REGISTERS[index]);
  else load(c, 8, R10, RBP, 8 * (index - REGISTERS.length) + 16);
  if (type === "int *") {
    load(c, 4, R11, REGISTERS[index], 0);
    lea(c, R10, R11, 1);
    store(c, 4, REGISTERS[index], 0, R10);
  } else if (SIZES[type] < 4) movsx(c, 8 * SIZES[type], true, R10, R10);
  opRegReg(c, ADD, false, RAX, R10);
}
