import { callsHelper, PROG_TYPE_EXT, PROG_TYPE_TRACING, type Program } from "../../bpf/program.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { JitError } from "../../jit/error.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { type Attached, wordsModel } from "../../jit/trampoline.ts";
import { UserError, type Where } from "../error.ts";
import { KERNEL_FUNCTIONS, type KernelFunction } from "../scenario/kernel-functions.ts";
import type { AttachSpec, ProgramSpec, Scenario } from "../scenario/scenario.ts";
import { hint } from "../suggest.ts";
import type { LoadedSource, Source, World } from "./build.ts";
import { modelOf, placeKernelFunction, wordsOf } from "./kernel-functions.ts";
import { KernelLacks } from "./refusal.ts";
import { type PokeSteps, type TracedFunction, Trampoline } from "./trampoline.ts";

type SourceProgram = Source["programs"][number];

/** Tell the verifier what programs are attached to. Throws UserError for what is no function, or may have nothing attached. */
export function resolveAttachments(scenario: Scenario, programs: readonly SourceProgram[]): void {
  for (const { spec, program } of programs) {
    const { attach } = spec;
    if (!attach) continue;
    const refuse = (why: string): never => {
      throw new UserError(why, { file: scenario.file, line: attach.line, column: attach.column });
    };
    if (attach.program === undefined) {
      const fn = kernelFunction(attach, refuse);
      program.attach = { type: attach.type, func: 0, nargs: wordsOf(fn).length };
      continue;
    }
    const target = programs.find(({ program: { name } }) => name === attach.program)!.program;
    const func = functionOf(attach, target, refuse);
    if (attach.type === "fmod_ret")
      refuse("fmod_ret programs are attached to functions of the kernel, and not to programs");
    if (target.type === PROG_TYPE_TRACING) refuse(`${target.name} is a tracing program: nothing may be attached to it`);
    if (target.type === PROG_TYPE_EXT && attach.type === "freplace") refuse(`${target.name} is an extension itself`);
    const { nargs } = target.functions[func];
    if (attach.args !== undefined && nargs !== undefined && nargs !== attach.args)
      refuse(`${attach.function} takes ${nargs} arguments, as another program that is attached to it says`);
    if (attach.args !== undefined) target.functions[func].nargs = attach.args;
    program.attach = { type: attach.type, prog: target.name, func };
  }
}

function functionOf(attach: AttachSpec, target: Program, refuse: (why: string) => never): number {
  const names = target.functions.map(({ name }) => name);
  const index = names.indexOf(attach.function);
  if (index < 0) refuse(`${target.name} has no function ${attach.function}${hint(attach.function, names, 5)}`);
  return index;
}

function kernelFunction(attach: AttachSpec, refuse: (why: string) => never): KernelFunction {
  const names = KERNEL_FUNCTIONS.map(({ name }) => name);
  const fn = KERNEL_FUNCTIONS.find(({ name }) => name === attach.function);
  if (!fn) return refuse(`the modelled kernel has no function ${attach.function}${hint(attach.function, names, 20)}`);
  if (attach.type === "freplace") refuse(`${fn.name} is no function of a program: freplace replaces only those`);
  if (attach.type === "fmod_ret" && !fn.modifiable) refuse(`${fn.name} does not let programs decide what it returns`);
  if (attach.args !== undefined) refuse(`${fn.name} is the kernel's: its arguments are known`);
  return fn;
}

/** What a run of a program that is attached to a kernel's function calls. */
export interface TracedKernelFunction {
  fn: KernelFunction;
  func: PlacedFunction;
}

/**
 * Attach the programs in the order in which the file has them. Throws UserError for what no kernel attaches, KernelLacks for what this
 * one cannot.
 */
export function attachPrograms(world: World, scenario: Scenario, { programs }: Source, profile: X86Profile): void {
  const trampolines = new Map<PlacedFunction, Trampoline>();
  for (const { spec, program } of programs) {
    if (!spec.attach) continue;
    const where = { file: scenario.file, line: spec.attach.line, column: spec.attach.column };
    if (!profile.trampoline) throw new KernelLacks(`has no trampolines to attach ${spec.name} by`, where);
    const traced = tracedFunction(world, program, spec.attach, profile, where);
    let trampoline = trampolines.get(traced.func);
    if (!trampoline) {
      trampoline = new Trampoline(world.kernel, profile, traced);
      trampolines.set(traced.func, trampoline);
    }
    if (trampoline.extended || (spec.attach.type === "freplace" && trampoline.attached.length))
      throw new UserError(`${spec.attach.function} cannot be traced and replaced at the same time (EBUSY)`, where);
    const loaded = world.programs.get(spec.name)!;
    try {
      const steps =
        spec.attach.type === "freplace"
          ? replace(world, trampoline, program, loaded, where)
          : trampoline.attach(attached(world, spec, program, loaded));
      for (const _ of steps);
    } catch (error) {
      if (error instanceof JitError) throw new KernelLacks(`cannot attach ${spec.name}: ${error.message}`, where);
      throw error;
    }
  }
}

function tracedFunction(
  world: World,
  { name, attach }: Program,
  spec: AttachSpec,
  profile: X86Profile,
  where: Where,
): TracedFunction {
  if (attach?.prog === undefined) {
    const fn = KERNEL_FUNCTIONS.find(({ name }) => name === spec.function)!;
    let traced = world.kernelFunctions.get(fn.name);
    if (!traced) {
      traced = { fn, func: placeKernelFunction(world.kernel, fn, profile) };
      world.kernelFunctions.set(fn.name, traced);
    }
    world.programs.get(name)!.traces = traced;
    return { func: traced.func, model: modelOf(fn) };
  }
  const { functions, xlated } = world.programs.get(attach.prog)!;
  const index = xlated.functions.findIndex(({ name }) => name === spec.function);
  if (index < 0) throw new KernelLacks(`has dropped ${spec.function}, which nothing calls`, where);
  const func = functions[index];
  const tailCallReachable = xlated.functions[0].tailCallReachable;
  return { func, model: wordsModel(func.image.nargs ?? 1), tailCallReachable };
}

function attached(
  { kernel }: World,
  { name, attach }: ProgramSpec,
  program: Program,
  { entry }: LoadedSource,
): Attached {
  return {
    type: attach!.type as Attached["type"],
    prog: kernel.programs.find((loaded) => loaded.name === name)!.address,
    entry,
    ...(attach!.cookie === undefined ? {} : { cookie: attach!.cookie }),
    wantsIp: callsHelper(program, "bpf_get_func_ip"),
  };
}

function replace(
  { kernel }: World,
  trampoline: Trampoline,
  { attach }: Program,
  { entry }: LoadedSource,
  where: Where,
): PokeSteps {
  const target = attach!.prog!;
  if (!kernel.behaviour.extendsTailCallees && kernel.isTailCallee(target))
    throw new KernelLacks(`does not replace functions of ${target}, which is in a prog_array (EBUSY)`, where);
  kernel.extended.add(target);
  return trampoline.replace(entry);
}
