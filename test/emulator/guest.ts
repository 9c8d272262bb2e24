import { afterEach, describe } from "vitest";
import type { Image } from "../../bpf/image.ts";
import { kernels } from "../../bpf/verifier/index.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { RAX, RDI, type Stop } from "../../emulator/engine.ts";
import { Kernel } from "../../emulator/kernel.ts";
import { Machine, type MachineOptions } from "../../emulator/machine.ts";
import { NativeEngine } from "../../emulator/native/engine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { fixupPoke } from "../../emulator/poke.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { decodeTable } from "../../src/import/x86/decode.ts";

/** Kernels whose layouts come from their BTF. */
export const KERNELS = ["linux-6.1", "linux-6.12", "linux-6.18", "linux-7.2"] as const;
export type KernelName = (typeof KERNELS)[number];
export const eachKernel = describe.each(KERNELS);

const open: Machine[] = [];
afterEach(() => {
  for (const machine of open.splice(0)) machine.close();
});

/** Closed when the test ends. */
export function newMachine(name: KernelName = "linux-6.12", options: Partial<MachineOptions> = {}): Machine {
  const layout = { structs: kernels[name].structs, percpu: profileNamed(name)!.percpu };
  const machine = new Machine({ engine: new NativeEngine(), layout, ...options });
  open.push(machine);
  return machine;
}

/** A kernel on a machine of its own, closed when the test ends. */
export const newKernel = (name: KernelName = "linux-6.12", options: Partial<MachineOptions> = {}): Kernel =>
  new Kernel(newMachine(name, options), behaviourOf(name));

/** Machine code in hex, and its assembly. */
export type Line = readonly [hex: string, text: string];

/** Machine code of these lines; the rest of its meaning as `more` says. */
export function imageOf(address: bigint, lines: readonly Line[], more: Partial<Image> = {}): Image {
  const bytes = Uint8Array.from(Buffer.from(lines.map(([hex]) => hex.replaceAll(" ", "")).join(""), "hex"));
  return {
    name: "code",
    address,
    bytes,
    entry: 0,
    body: 0,
    ends: Int32Array.of(0, bytes.length),
    ...decodeTable(bytes),
    notes: new Map(),
    tailCalls: [],
    pokes: [],
    extable: [],
    epilogue: 0,
    passes: [],
    ...more,
  };
}

export type Placed = PlacedFunction & {
  /** address of each line */
  line: bigint[];
};

/** Puts code into the machine's JIT region. */
export function place(machine: Machine, lines: readonly Line[], more: Partial<Image> = {}): Placed {
  const image = imageOf(machine.allocateCode(256), lines, more);
  return Object.assign(machine.place(image), { line: image.starts.map((offset) => image.address + BigInt(offset)) });
}

/** Enter code as the kernel does, with rdi (and more) set. */
export function enter(
  machine: Machine,
  { entry }: { entry: bigint },
  registers: Record<number, bigint> = {},
  budget = 100_000,
): Stop {
  machine.prepare({ entry, context: registers[RDI] ?? 0n });
  for (const [reg, value] of Object.entries(registers)) machine.engine.regs[Number(reg)] = value;
  machine.engine.icount = 0;
  let stop = machine.resume(budget);
  while (fixupPoke(machine, stop)) stop = machine.resume(budget);
  return stop;
}

/** rax of code that returns to the kernel; throws what stopped it otherwise. */
export function rax(machine: Machine, code: { entry: bigint }, registers: Record<number, bigint> = {}): bigint {
  const stop = enter(machine, code, registers);
  if (stop.kind !== "until") throw new Error(`${stop.kind} at 0x${stop.pc.toString(16)}`);
  return machine.engine.regs[RAX];
}

/** Little-endian hex of an address or displacement. */
export function le(value: bigint | number, bytes = 4): string {
  let hex = "";
  for (let i = 0, rest = BigInt.asUintN(64, BigInt(value)); i < bytes; i++, rest >>= 8n)
    hex += (rest & 0xffn).toString(16).padStart(2, "0");
  return hex;
}

/** `mov rax, address; call rax` */
export const callTo = (address: bigint, name: string): Line[] => [
  [`48b8 ${le(address, 8)}`, `mov rax, ${name}`],
  ["ffd0", "call rax"],
];

export const RET: Line = ["c3", "ret"];
