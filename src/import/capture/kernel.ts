import type { MachineLayout } from "../../../emulator/layout.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { profileForRelease } from "../../../jit/profiles/index.ts";
import type { Features } from "../../../jit/x86/features.ts";
import { UserError } from "../../error.ts";
import type { KernelRecord } from "./format.ts";

const PAGE = 4096n;
/** Above the kernel's own text and data, below modules. */
const BEYOND_TEXT = 0xffffffffa0000000n;
const hex = (text: string): bigint => BigInt(`0x${text}`);

/** The profile of the kernel that a capture was made on: the release's, with what the capture says of CPU and options. */
export function captureProfile(kernel: KernelRecord, file: string): X86Profile {
  if (kernel.arch !== "x86_64")
    throw new UserError(`is a capture of ${kernel.arch}; only x86_64 is compiled yet`, { file });
  const base = profileForRelease(kernel.release);
  if (!base) throw new UserError(`no profile is old enough for kernel ${kernel.release}`, { file });
  const { options, struct_offsets: offsets } = kernel;
  const number = (field: string, otherwise: number): number => {
    const value = offsets[field];
    return typeof value === "number" ? value : otherwise;
  };
  return {
    ...base,
    name: kernel.variant,
    about: `captured from ${kernel.release}`,
    harden: options.jit_harden === 2,
    offsets: {
      maxEntries: number("bpf_map.max_entries", base.offsets.maxEntries),
      ptrs: number("bpf_array.ptrs", base.offsets.ptrs),
      bpfFunc: number("bpf_prog.bpf_func", base.offsets.bpfFunc),
    },
    features: { ...base.features, ...captureFeatures(kernel, base.features) },
  };
}

function captureFeatures({ options }: KernelRecord, base: Features): Partial<Features> {
  const jump = (options.indirect_jump_targets ?? []).find((target) => target.includes("x86_indirect"));
  const inline = Object.keys(options.indirect_jumps_inline ?? {});
  const returns = options.return ?? "";
  return {
    ibt: options.endbr_in_prologue ?? base.ibt,
    bmi2: base.bmi2 && (options.cpu_bmi2 ?? true),
    taskSizeMax: options.cpu_la57 === undefined ? base.taskSizeMax : (1n << (options.cpu_la57 ? 56n : 47n)) - PAGE,
    ret: returns.startsWith("jmp ") ? { thunk: returns.slice(4) } : base.ret,
    indirectJump: jump
      ? { thunk: jump.slice(0, jump.lastIndexOf("_")) }
      : inline.some((text) => text.startsWith("lfence"))
        ? "lfence"
        : "int3",
    callDepth: options.call_depth_tracking ? "call_depth" : undefined,
  };
}

/** Per-CPU variables under the names that the machine knows, wherever this kernel keeps them. */
function percpuSymbols(kernel: KernelRecord): Record<string, bigint> {
  const { symbols } = kernel;
  const found: Record<string, bigint> = {};
  const take = (name: string, from: string | undefined, offset = 0n): void => {
    if (from !== undefined) found[name] ??= hex(from) + offset;
  };
  for (const name of ["this_cpu_off", "cpu_number", "current_task", "pcpu_hot"]) take(name, symbols[name]);
  take("call_depth", symbols.__x86_call_depth);
  const hot = kernel.btf?.structs.pcpu_hot?.members;
  for (const name of ["current_task", "cpu_number", "call_depth"])
    if (typeof hot?.[name] === "number") take(name, symbols.pcpu_hot, BigInt(hot[name]));
  return found;
}

/** Addresses by name of everything outside the sets that a capture's images refer to. */
export function captureSymbols(kernel: KernelRecord): Record<string, bigint> {
  const all: Record<string, bigint> = {};
  for (const [name, address] of Object.entries(kernel.symbols)) all[name] = hex(address);
  for (const kind of ["call", "jmp", "imm64"])
    for (const [address, names] of Object.entries(kernel.targets[kind] ?? {}))
      for (const name of names) all[name] ??= hex(address);
  for (const [address, { names }] of Object.entries(kernel.helper_targets))
    for (const name of names) all[name] ??= hex(address);
  return { ...all, ...percpuSymbols(kernel) };
}

/** The modelled kernel as the capture describes it. */
export function captureLayout(kernel: KernelRecord, file: string): MachineLayout {
  const structs = kernel.btf?.structs;
  if (!structs) throw new UserError("the kernel record has no struct layouts (btf.structs)", { file });
  const start = kernel.symbols.__per_cpu_start;
  return {
    structs,
    percpu: { start: start === undefined ? 0n : hex(start), symbols: percpuSymbols(kernel) },
    textBase: BEYOND_TEXT,
  };
}
