import { type Image, POKED } from "../../../bpf/image.ts";
import type { ProgramSet } from "../../../bpf/program.ts";
import { verify } from "../../../bpf/verifier/index.ts";
import type { KernelBehaviour } from "../../../emulator/behaviour.ts";
import { PROT_READ, PROT_WRITE } from "../../../emulator/engine.ts";
import { Kernel } from "../../../emulator/kernel.ts";
import type { MachineLayout } from "../../../emulator/layout.ts";
import type { Machine } from "../../../emulator/machine.ts";
import { ProgArrayMap } from "../../../emulator/maps/prog-array.ts";
import type { PlacedFunction } from "../../../emulator/placed.ts";
import { setProgArray } from "../../../emulator/poke.ts";
import { ProgramBook } from "../../runner/code-book.ts";
import { loadProgram } from "../../runner/load-program.ts";
import { newMachine } from "../../runner/machine.ts";
import { Session } from "../../runner/session.ts";
import { decodeTable } from "../x86/decode.ts";
import { attachElsewhere, type LoadedElsewhere, placeTrampolines } from "./attach.ts";
import { failedSlots } from "./compare.ts";
import { type CaptureKernel, type Compiled, compileCaptured } from "./compile.ts";
import type { CapturedFunction, CaptureRecord, ProgramsRecord } from "./format.ts";
import { loadInterpreted } from "./interpret.ts";
import { captureRegions } from "./regions.ts";
import { sourceSet } from "./source.ts";

const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const address = (text: string): bigint => BigInt(`0x${text}`);

/** A captured set on a machine: programs placed, slots filled. */
export interface CaptureWorld {
  session: Pick<Session, "enter">;
  kernel: Kernel;
  machine: Machine;
  /** main function of each program */
  entries: Map<string, { entry: bigint; type: number }>;
}

export interface WorldOptions {
  /**
   * run the kernel's bytes, or ours in their place, or what another profile makes of the programs, wherever there is room, or no bytes:
   * the programs on the reference interpreter
   */
  bytes: "captured" | "ours" | "elsewhere" | "interpreted";
  layout: MachineLayout;
  /** address -> names of the kernel functions that the capture's images may call */
  functions: Map<bigint, string[]>;
  behaviour: KernelBehaviour;
}

/** Put a captured set on a fresh machine. Close the machine. */
export function buildWorld(
  kernelInfo: CaptureKernel,
  record: CaptureRecord,
  source: ProgramsRecord,
  options: WorldOptions,
): CaptureWorld {
  const set = sourceSet(source);
  if (options.bytes === "interpreted") return loadInterpreted(kernelInfo, set, record, source, options);
  if (options.bytes === "elsewhere") return loadElsewhere(kernelInfo, set, record, options);
  const machine = newMachine({
    layout: options.layout,
    ibt: kernelInfo.profile.features.ibt,
    regions: captureRegions(record, source, options.functions.keys()),
  });
  try {
    return fill(machine, kernelInfo, set, record, options);
  } catch (error) {
    machine.close();
    throw error;
  }
}

/** Kernel functions, maps and programs where the capture has them. */
function fill(
  machine: Machine,
  kernelInfo: CaptureKernel,
  set: ProgramSet,
  record: CaptureRecord,
  options: WorldOptions,
): CaptureWorld {
  const kernel = new Kernel(machine, options.behaviour);
  installFunctions(machine, options.functions);
  for (const def of set.maps) kernel.addMap(def, address(record.maps[def.name].addr));

  const book = new ProgramBook();
  const entries = new Map<string, { entry: bigint; type: number }>();
  const compiled = record.progs.map((captured, index) => {
    const result = compileCaptured(kernelInfo, set, record, index);
    book.add(captured.name, result.xlated);
    const placed = result.images.map((image, i) => machine.place(imageToRun(image, captured.funcs[i], options.bytes)));
    entries.set(captured.name, { entry: placed[0].entry, type: captured.type });
    kernel.addProgram(captured.name, placed[0].entry);
    linkException(kernel, result, placed);
    return result;
  });
  mapPrivateStacks(machine, record);
  placeTrampolines(kernel, kernelInfo, set, record, compiled, options.bytes === "ours" ? "ours" : "captured");
  fillSlots(kernel, set, record);
  return { session: new Session(kernel, book), kernel, machine, entries };
}

/** The set's programs as the profile compiles them, on a kernel of that profile. Throws what verifier and JIT throw. */
function loadElsewhere(
  { profile, features }: CaptureKernel,
  set: ProgramSet,
  record: CaptureRecord,
  { layout, behaviour }: WorldOptions,
): CaptureWorld {
  const machine = newMachine({ layout, ibt: profile.features.ibt });
  try {
    const kernel = new Kernel(machine, behaviour);
    for (const def of set.maps) kernel.addMap(def);
    const book = new ProgramBook();
    const entries = new Map<string, { entry: bigint; type: number }>();
    const loaded = new Map<string, LoadedElsewhere>();
    for (const program of set.programs) {
      const xlated = verify(program, set.maps, features, set.programs);
      book.add(program.name, xlated);
      const functions = loadProgram(kernel, program.name, xlated, profile);
      entries.set(program.name, { entry: functions[0].entry, type: program.type });
      loaded.set(program.name, { xlated, functions });
    }
    attachElsewhere(kernel, set, profile, loaded);
    fillSlots(kernel, set, record);
    return { session: new Session(kernel, book), kernel, machine, entries };
  } catch (error) {
    machine.close();
    throw error;
  }
}

/** Models and code of kernel functions at the addresses that the capture gives them. */
export function installFunctions(machine: Machine, functions: Map<bigint, string[]>): void {
  for (const [at, names] of functions) {
    const known = names.find((name) => machine.models(name)) ?? names[0];
    machine.installAt(known, at);
  }
}

/** Our image's meaning with the kernel's bytes in it, where they are captured; where they differ, decoded afresh. */
function imageToRun(image: Image, captured: CapturedFunction | undefined, which: WorldOptions["bytes"]): Image {
  if (!captured || which !== "captured") return image;
  const bytes = fromHex(captured.hex);
  if (Buffer.compare(bytes, image.bytes) === 0) return image;
  const { starts, flags } = decodeTable(bytes);
  const poked = new Set(image.starts.filter((_, i) => image.flags[i] & POKED));
  return {
    ...image,
    bytes,
    starts,
    flags: flags.map((flag, i) => flag | (poked.has(starts[i]) ? POKED : 0)),
    notes: new Map(),
  };
}

/** The callback that bpf_throw() ends in, on the main function's frame. */
function linkException(kernel: Kernel, { xlated }: Compiled, placed: PlacedFunction[]): void {
  const callback = xlated.functions.findIndex((fn) => fn.exceptionCallback);
  if (xlated.functions[0].exceptionBoundary && callback > 0)
    kernel.exceptionCallbacks.set(placed[0].entry, placed[callback].entry);
}

/** Bytes around the top of a private stack: 512 of BPF stack and guards below, little above. */
const PRIVATE_STACK = 1024n;

/** Memory for private stacks at the per-CPU addresses that the capture's images have for them. */
function mapPrivateStacks(machine: Machine, record: CaptureRecord): void {
  for (const [top, name] of Object.entries(record.refs ?? {}))
    if (name.endsWith(".priv_stack"))
      for (let cpu = 0; cpu < machine.percpu.offsets.length; cpu++) {
        const low = machine.percpu.address(address(top), cpu) - PRIVATE_STACK;
        machine.memory.ensure(low, PRIVATE_STACK + 64n, PROT_READ | PROT_WRITE);
      }
}

/** Prog array slots in the order in which they were written; those whose write failed stay empty. */
export function fillSlots(kernel: Kernel, set: ProgramSet, record: CaptureRecord): void {
  const failed = failedSlots(record);
  set.slots.forEach(({ map, index, prog }, i) => {
    const array = kernel.maps.get(map);
    const program = kernel.programs.find(({ name }) => name === prog);
    if (failed.has(i) || !(array instanceof ProgArrayMap) || !program) return;
    setProgArray(kernel.machine, array, index, program);
  });
}
