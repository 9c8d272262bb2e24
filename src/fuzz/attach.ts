import { type KernelFeatures, trust } from "../../bpf/verifier/index.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { wordsModel } from "../../jit/trampoline.ts";
import type { ProgramBook } from "../runner/code-book.ts";
import { loadProgram } from "../runner/load-program.ts";
import { Trampoline } from "../runner/trampoline.ts";
import { MAPS, type WrittenProgram } from "./write.ts";

/** Whether tracing programs can be attached, and tail calls counted through them as the interpreter does. */
export const canTrace = ({ trampoline }: X86Profile): boolean => trampoline?.tailCallCtx ?? false;

/** Load the tracing programs and attach them, in order. */
export function attachTracers(
  kernel: Kernel,
  profile: X86Profile,
  features: KernelFeatures,
  { tracers }: WrittenProgram,
  loaded: readonly { xlated: Xlated; placed: readonly PlacedFunction[] }[],
  book: ProgramBook,
): void {
  const trampolines = new Map<PlacedFunction, Trampoline>();
  for (const { program, type, target, func, nargs } of tracers) {
    const { xlated, placed } = loaded[target];
    const traced = placed[xlated.functions.findIndex(({ name }) => name === func)];
    // the verifier has dropped a function that nothing can call
    if (!traced) continue;
    const own = trust(program, MAPS, features);
    book.add(program.name, own);
    const [{ entry }] = loadProgram(kernel, program.name, own, profile);
    const prog = kernel.programs[kernel.programs.length - 1].address;
    const { tailCallReachable } = xlated.functions[0];
    const trampoline =
      trampolines.get(traced) ??
      new Trampoline(kernel, profile, { func: traced, model: wordsModel(nargs), tailCallReachable });
    trampolines.set(traced, trampoline);
    for (const _ of trampoline.attach({ type, prog, entry, wantsIp: false }));
  }
}
