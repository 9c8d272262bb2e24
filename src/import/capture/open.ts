import { behaviourOf } from "../../../emulator/behaviour.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { verifierOf } from "../../runner/verifier-of.ts";
import type { CaptureKernel } from "./compile.ts";
import { captureFeatures } from "./features.ts";
import type { KernelRecord } from "./format.ts";
import { captureLayout, captureProfile, captureSymbols } from "./kernel.ts";
import { type Capture, readCapture } from "./read.ts";
import { CaptureSymbols } from "./symbols.ts";
import type { WorldOptions } from "./world.ts";

/** A capture with everything about its kernel worked out. */
export interface OpenCapture {
  capture: Capture;
  kernel: CaptureKernel;
  machine: Omit<WorldOptions, "bytes">;
}

/**
 * Read a capture and what it says of its kernel. `profile`: compile for that one, and run on a kernel like it, instead of the
 * one that was captured; only addresses are still the capture's. Throws UserError.
 */
export function openCapture(file: string, profile?: X86Profile): OpenCapture {
  const capture = readCapture(file);
  const { kernel } = capture;
  const own = ownKernel(kernel, file);
  return profile ? { ...own, capture, ...asProfile(own, profile) } : { ...own, capture };
}

function ownKernel(kernel: KernelRecord, file: string): Omit<OpenCapture, "capture"> {
  const features = captureFeatures(kernel, file);
  return {
    kernel: {
      profile: captureProfile(kernel, file),
      features,
      symbols: new CaptureSymbols(captureSymbols(kernel)),
      callBase: BigInt(`0x${kernel.bpf_call_base}`),
    },
    machine: {
      layout: { ...captureLayout(kernel, file), structs: features.structs },
      functions: callable(kernel),
      behaviour: behaviourOf(kernel.release),
    },
  };
}

function asProfile(
  { kernel, machine }: Omit<OpenCapture, "capture">,
  profile: X86Profile,
): Omit<OpenCapture, "capture"> {
  const features = verifierOf(profile);
  return {
    kernel: { ...kernel, profile, features },
    machine: {
      ...machine,
      layout: { structs: features.structs, percpu: profile.percpu },
      behaviour: behaviourOf(profile.name),
    },
  };
}

/** Kernel functions that images or trampolines may call or jump to, by address. */
function callable(kernel: KernelRecord): Map<bigint, string[]> {
  const functions = new Map<bigint, string[]>();
  const add = (address: string, names: string[]): void => {
    const at = BigInt(`0x${address}`);
    functions.set(at, [...(functions.get(at) ?? []), ...names]);
  };
  for (const kind of ["call", "jmp"])
    for (const [address, names] of Object.entries(kernel.targets[kind] ?? {})) add(address, names);
  for (const [address, { names }] of Object.entries(kernel.helper_targets)) add(address, names);
  for (const [name, address] of Object.entries(kernel.symbols))
    if (/^(__bpf_prog_(enter|exit)\w*|__bpf_tramp_\w+|jiffies(_64)?)$/.test(name)) add(address, [name]);
  return functions;
}
