import { JitError } from "../../error.ts";
import type { X86Profile } from "../../profile.ts";
import type { FuncModel } from "../../trampoline.ts";
import { load, store, storeImm } from "../encode/memory.ts";
import { R8, R9, RAX, RBP, RCX, RDI, RDX, RSI } from "../regs.ts";
import type { Tramp } from "./tramp.ts";

/** MAX_BPF_FUNC_ARGS */
const MAX_WORDS = 12;
/** In which arguments are passed, in order. */
const REGISTERS = [RDI, RSI, RDX, RCX, R8, R9];

/** 8 bytes of arguments, in the order in which a program sees them. */
export interface ArgumentWord {
  /** bytes of it that are moved to and from a register */
  bytes: number;
  /** x86 register, or the how manieth word on the caller's stack */
  register?: number;
  stack?: number;
}

/** Where the traced function's caller puts its arguments. Throws JitError where the kernel gives up (ENOTSUPP). */
export function argumentWords(name: string, model: FuncModel, profile: X86Profile): ArgumentWord[] {
  const features = profile.trampoline!;
  const words: ArgumentWord[] = [];
  let registers = 0;
  let stack = 0;
  for (const { size, struct } of model.args) {
    if (struct && !features.structs)
      throw new JitError(`${name}: ${profile.name} traces no function with a struct argument`);
    const count = Math.max(1, (size + 7) >> 3);
    const inRegisters = registers + count <= REGISTERS.length;
    for (let i = 0; i < count; i++) {
      const bytes = features.stackArguments || size > 8 ? 8 : operandBytes(size);
      words.push(inRegisters ? { bytes, register: REGISTERS[registers++] } : { bytes, stack: stack++ });
    }
  }
  const most = features.stackArguments ? MAX_WORDS : REGISTERS.length;
  if (words.length > most)
    throw new JitError(
      `${name}: ${words.length} words of arguments; ${profile.name} traces functions with ${most} at most`,
    );
  return words;
}

/** bytes_to_bpf_size() */
const operandBytes = (size: number): number => (size === 4 || size === 2 || size === 1 ? size : 8);

/** Copy the arguments to where programs see them, the first one lowest, `regs` bytes below rbp (save_args). */
export function saveArguments(t: Tramp): void {
  t.c.note("the arguments");
  t.words.forEach((word, i) => {
    const off = -t.frame.regs + 8 * i;
    if (word.register !== undefined) store(t.c, word.bytes, RBP, off, word.register);
    else copyFromCaller(t, word.stack!, off);
  });
  clearUpperHalf(t, -t.frame.regs + 8 * t.words.findIndex(({ stack }) => stack === 0));
}

/** Load the registers with the arguments as they are now (restore_regs). */
export function restoreArguments(t: Tramp): void {
  t.c.note("the arguments again");
  t.words.forEach(({ register, bytes }, i) => {
    if (register !== undefined) load(t.c, bytes, register, RBP, -t.frame.regs + 8 * i);
  });
}

/** Copy the arguments on the stack to where the traced function, called from here, expects them. */
export function passStackArguments(t: Tramp): void {
  const { stackArguments } = t.frame;
  if (stackArguments === undefined) return;
  t.words.forEach(({ stack }) => {
    if (stack !== undefined) copyFromCaller(t, stack, -stackArguments + 8 * stack);
  });
  clearUpperHalf(t, -stackArguments);
}

/** Above rbp: the caller's rbp, the return address to behind the patch site unless it jumped here, the caller's. */
function copyFromCaller(t: Tramp, index: number, off: number): void {
  load(t.c, 8, RAX, RBP, 8 * index + 16 + (t.jumpedTo ? 0 : 8));
  store(t.c, 8, RBP, off, RAX);
}

/** A lone argument of 4 bytes or less on the stack may have garbage above it (clean_stack_garbage). */
function clearUpperHalf(t: Tramp, off: number): void {
  if (t.words.filter(({ stack }) => stack !== undefined).length !== 1) return;
  const { args } = t.input.model;
  if (args[args.length - 1].size > 4) return;
  t.c.note("only 4 bytes of it were passed");
  storeImm(t.c, 4, RBP, off + 4, 0); // c7 45 .. 00 00 00 00
}
