import { behaviourOf } from "../../../emulator/behaviour.ts";
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../../../emulator/engine.ts";
import { Kernel } from "../../../emulator/kernel.ts";
import type { Machine } from "../../../emulator/machine.ts";
import type { PlacedFunction } from "../../../emulator/placed.ts";
import { kernelOf, type X86Profile } from "../../../jit/profile.ts";
import type { World } from "../../runner/build.ts";
import { ProgramBook } from "../../runner/code-book.ts";
import { newMachine } from "../../runner/machine.ts";
import { Session } from "../../runner/session.ts";
import { verifierOf } from "../../runner/verifier-of.ts";
import { imageOf, type Leaving, type Recognised } from "../recognise/recognise.ts";
import type { Kallsyms } from "./kallsyms.ts";
import { placeCallees } from "./stubs.ts";

/** Functions that the machine puts somewhere itself: where no kernel has any. */
const OWN_TEXT = 0xfffffff000000000n;
/** Bytes of zeros at an address that code has as a constant: a map, its value, a struct. */
const UNKNOWN_DATA = 0x40000n;
/** Bytes below and above the top of a private stack. */
const PRIVATE_STACK = 1024n;
/** What a C function returns unless somebody says otherwise. */
const RETURNS = 0n;
/** Models of these need nothing that a dump does not have. */
const SELF_CONTAINED =
  /^bpf_(ktime_get_\w+|jiffies64|get_prandom_u32|user_rnd_u32|get_(smp|raw)_\w+|get_numa_node_id|get_current_\w+|rcu_read_\w+|preempt_\w+)$/;

export interface DumpWorldOptions {
  kallsyms?: Kallsyms;
  /** what C functions return, by symbol or 0x-address */
  returns: ReadonlyMap<string, bigint>;
  /** what the slots of the arrays hold that indirect tail calls go through */
  slots: ReadonlyMap<number, string>;
}

/** A dump's functions on a machine. Close the machine. */
export interface DumpWorld extends World {
  /** by name */
  functions: Map<string, PlacedFunction>;
}

/** Place the functions as a kernel of that profile would have them, and models of all that they call. */
export function buildDumpWorld(
  functions: readonly Recognised[],
  profile: X86Profile,
  options: DumpWorldOptions,
): DumpWorld {
  const features = verifierOf(profile);
  const { structs } = features;
  const ibt = functions.some(({ prologue }) => prologue?.ibt);
  const machine = newMachine({ layout: { structs, percpu: profile.percpu, textBase: OWN_TEXT }, ibt });
  try {
    const kernel = new Kernel(machine, behaviourOf(kernelOf(profile)));
    const placed = new Map(functions.map((found) => [found.name, machine.place(imageOf(found))]));
    machine.memory.ensure(machine.percpu.offsets[0], UNKNOWN_DATA, PROT_READ | PROT_WRITE);
    for (const found of functions) {
      mapData(machine, found);
      for (const leaving of found.leaving) provideTarget(machine, found, leaving, options);
      placeCallees(machine, functions, found);
      fillArrays(kernel, placed, found, options.slots);
    }
    const book = new ProgramBook();
    const session = new Session(kernel, book);
    return {
      session,
      kernel,
      programs: new Map(),
      features,
      book,
      kernelFunctions: new Map(),
      functions: placed,
    };
  } catch (error) {
    machine.close();
    throw error;
  }
}

/** Zeros where constants and per-CPU accesses point to, and the private stack. */
function mapData(machine: Machine, { data, constants, percpu, prologue }: Recognised): void {
  for (const address of constants) machine.memory.ensure(address, 8n, PROT_READ | PROT_EXEC);
  for (const { address } of data)
    if (address !== prologue?.privateStack) machine.memory.ensure(address, UNKNOWN_DATA, PROT_READ | PROT_WRITE);
  for (const { offset, adds } of percpu) {
    const at = machine.percpu.address(offset, 0);
    machine.memory.ensure(at, 8n, PROT_READ | PROT_WRITE);
    if (adds) machine.memory.store(at, 8, machine.percpu.offsets[0]);
  }
  if (prologue?.privateStack === undefined) return;
  const top = machine.percpu.address(prologue.privateStack, 0);
  machine.memory.ensure(top - PRIVATE_STACK, 2n * PRIVATE_STACK, PROT_READ | PROT_WRITE);
}

/** What a call or jump out of the dump finds: a thunk, a C function, or nothing, where a tail call's patch site is meant. */
function provideTarget(
  machine: Machine,
  { tailCalls, prologue }: Recognised,
  { at, to, kind, register }: Leaving,
  { kallsyms, returns }: DumpWorldOptions,
): void {
  if (machine.symbols.nameAt(to) !== undefined || machine.functionAt(to)) return;
  if (at === prologue?.patchSite || tailCalls.some(({ target }) => target === at)) return;
  const known = kallsyms?.nameAt(to);
  if (kind === "return") return machine.installAt(known?.includes("return_thunk") ? known : "__x86_return_thunk", to);
  if (kind === "thunk") return machine.installAt(`__x86_indirect_thunk_${register}`, to);
  const name = known ?? `0x${to.toString(16)}`;
  if (machine.symbols.has(name)) return; // another address of the same name
  const value = returns.get(name) ?? returns.get(`0x${to.toString(16)}`);
  if (value !== undefined || !(SELF_CONTAINED.test(name) && machine.models(name)))
    machine.host.provide(name, () => value ?? RETURNS);
  machine.installAt(name, to);
}

/** The arrays of indirect tail calls, where they are known: as many slots as somebody names functions for. */
function fillArrays(
  kernel: Kernel,
  placed: ReadonlyMap<string, PlacedFunction>,
  { tailCalls, pieces, data }: Recognised,
  slots: ReadonlyMap<number, string>,
): void {
  const { memory } = kernel.machine;
  for (const { kind, start, offsets } of tailCalls) {
    if (kind !== "indirect" || !offsets || !slots.size) continue;
    const array = data.findLast(({ at }) => at < start && isSecondArgument(pieces, at))?.address;
    if (array === undefined) continue;
    memory.ensure(array, BigInt(offsets.ptrs + 8 * (Math.max(...slots.keys()) + 1)), PROT_READ | PROT_WRITE);
    memory.store(array + BigInt(offsets.maxEntries), 4, BigInt(Math.max(...slots.keys()) + 1));
    for (const [index, name] of slots) {
      const { entry } = placed.get(name)!;
      const program = kernel.programs.find((known) => known.entry === entry) ?? kernel.addProgram(name, entry);
      memory.store(program.address + BigInt(offsets.bpfFunc), 8, entry);
      memory.store(array + BigInt(offsets.ptrs + 8 * index), 8, program.address);
    }
  }
}

/** movabs rsi, imm64 */
const isSecondArgument = ({ pieces, index }: Recognised["pieces"], at: number): boolean =>
  pieces[index.get(at)!].hex.startsWith("48be");
