import type { Image } from "../../../bpf/image.ts";
import { callsHelper, type ProgramSet } from "../../../bpf/program.ts";
import type { Xlated } from "../../../bpf/xlated.ts";
import type { Kernel } from "../../../emulator/kernel.ts";
import type { PlacedFunction } from "../../../emulator/placed.ts";
import { patchBytes } from "../../../emulator/poke.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { type Attached, wordsModel } from "../../../jit/trampoline.ts";
import { Trampoline } from "../../runner/trampoline.ts";
import { decodeTable } from "../x86/decode.ts";
import type { CaptureKernel, Compiled } from "./compile.ts";
import type { CaptureRecord } from "./format.ts";
import { compileTrampoline, type TracedFunction, tracedFunctions } from "./trampolines.ts";

/** bytes of a struct bpf_tramp_image, and more */
const IMAGE_SIZE = 1024;

/**
 * Trampolines where the capture has them, and the calls of them at their targets' patch sites. Of the kernel's code where it is wanted;
 * ours where the kernel hides its own (harden=2).
 */
export function placeTrampolines(
  kernel: Kernel,
  info: CaptureKernel,
  set: ProgramSet,
  record: CaptureRecord,
  compiled: readonly Compiled[],
  bytes: "captured" | "ours",
): void {
  const { machine } = kernel;
  for (const traced of tracedFunctions(record, compiled)) {
    const placed = machine.functions.find(({ image }) => image.address === traced.image.address)!;
    const site = traced.image.patchSite!;
    const ours = compileTrampoline(info, set, record, compiled, traced, objectsOf(kernel, traced));
    machine.place(bytes === "captured" ? withCaptured(ours, traced) : ours);
    const ip = traced.image.address + BigInt(site);
    machine.attach(placed, site, patchBytes(traced.opcode, ip, traced.address));
  }
}

/** A program of a set on another kernel than the captured one. */
export interface LoadedElsewhere {
  xlated: Xlated;
  functions: PlacedFunction[];
}

/** Attach the set's tracing programs as the profile's kernel does. Throws JitError for what its trampolines cannot do. */
export function attachElsewhere(
  kernel: Kernel,
  set: ProgramSet,
  profile: X86Profile,
  loaded: ReadonlyMap<string, LoadedElsewhere>,
): void {
  const trampolines = new Map<PlacedFunction, Trampoline>();
  for (const program of set.programs) {
    const { attach } = program;
    if (attach?.prog === undefined) continue;
    const target = loaded.get(attach.prog)!;
    const { name, nargs } = set.programs.find((other) => other.name === attach.prog)!.functions[attach.func];
    const func = target.functions[target.xlated.functions.findIndex((fn) => fn.name === name)];
    const { tailCallReachable } = target.xlated.functions[0];
    const trampoline =
      trampolines.get(func) ??
      new Trampoline(kernel, profile, { func, model: wordsModel(nargs ?? 1), tailCallReachable });
    trampolines.set(func, trampoline);
    const steps = trampoline.attach({
      type: attach.type as Attached["type"],
      prog: kernel.programs.find((other) => other.name === program.name)!.address,
      entry: loaded.get(program.name)!.functions[0].entry,
      wantsIp: callsHelper(program, "bpf_get_func_ip"),
    });
    for (const _ of steps);
  }
}

/** Where the kernel hides its code, the machine's own objects take the place of those that it would name. */
function objectsOf(kernel: Kernel, { captured }: TracedFunction): Parameters<typeof compileTrampoline>[5] {
  if (captured) return undefined;
  return {
    prog: (name) => kernel.programs.find((program) => program.name === name)!.address,
    image: kernel.machine.heap.take(IMAGE_SIZE, 64),
  };
}

/** Our image's meaning with the kernel's bytes in it; where they differ, decoded afresh. */
function withCaptured(ours: Image, { captured }: TracedFunction): Image {
  if (!captured) return ours;
  const bytes = Uint8Array.from(Buffer.from(captured.hex, "hex"));
  if (Buffer.compare(bytes, ours.bytes) === 0) return ours;
  const end = bytes.length;
  const sites = { body: end, ends: Int32Array.of(end), epilogue: end, trampoline: { skips: [] }, frame: undefined };
  return { ...ours, bytes, ...decodeTable(bytes), ...sites, notes: new Map() };
}
