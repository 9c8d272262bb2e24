import { assemble } from "../../../bpf/asm/assemble.ts";
import { HELPER_NAMES } from "../../../bpf/helper-ids.ts";
import type { Image } from "../../../bpf/image.ts";
import { BPF_PSEUDO_CALL, CALL } from "../../../bpf/opcode.ts";
import type { JitFunction } from "../../../jit/function.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { PROFILES, profileNamed } from "../../../jit/profiles/index.ts";
import { sizeFunction } from "../../../jit/x86/compile.ts";

/** Where the function under test goes. */
export const ADDRESS = 0xffffffffc0000000n;
const TEXT = 0xffffffff81000000n;

/** `traced`, whose address is written out in trampolines, is always the first. */
const names: string[] = ["traced"];

/** Address of a kernel function, or of `subprog`, which a `call pc+N` calls: 16 bytes apart, in order of first use. */
export function addressOf(name: string): bigint {
  if (!names.includes(name)) names.push(name);
  return TEXT + 16n * BigInt(names.indexOf(name));
}

/** The name that has this address. */
export const nameAt = (address: bigint): string | undefined => names.find((name) => addressOf(name) === address);

/** What a test says about a function besides its instructions; by default it needs nothing special. */
export type Setting = Partial<Omit<JitFunction, "insns" | "calls">>;

/** A function as the JIT gets it, from kernel-internal assembly (bpf/asm/README.md). */
export function functionOf(text: string, setting: Setting = {}): JitFunction {
  const { insns, relocs } = assemble(text);
  const calls = new Map<number, bigint>();
  insns.forEach(({ code, src, imm }, slot) => {
    if (code !== CALL) return;
    const kfunc = relocs.find((reloc) => reloc.kind === "kfunc" && reloc.insn === slot);
    const helper = src === BPF_PSEUDO_CALL ? "subprog" : HELPER_NAMES[imm];
    calls.set(slot, addressOf(kfunc?.kind === "kfunc" ? kfunc.name : helper));
  });
  return {
    name: "f",
    insns,
    calls,
    removed: new Map(),
    isSubprog: false,
    stackDepth: 0,
    tailCallReachable: false,
    exceptionBoundary: false,
    exceptionCallback: false,
    classic: false,
    unprivileged: false,
    pokes: [],
    extraPass: false,
    ...setting,
  };
}

export function profileOf(name: string): X86Profile {
  const profile = profileNamed(name);
  if (!profile) throw new RangeError(`no profile ${name}`);
  return profile;
}

/** Names of the kernels that there are from one release on, up to but without another: "6.6", "6.12". */
export function kernels(from = "0", before = "99"): string[] {
  const older = (name: string, release: string): boolean =>
    name.localeCompare(`linux-${release}`, "en", { numeric: true }) < 0;
  return PROFILES.map(({ name }) => name).filter((name) => !older(name, from) && older(name, before));
}

/** Compiled at ADDRESS. Per-CPU variables are where the profile says, functions where addressOf says. */
export function compile(input: JitFunction, profile: X86Profile): Image {
  const symbol = (name: string): bigint => profile.percpu.symbols[name] ?? addressOf(name);
  return sizeFunction(input, profile, symbol).emit(ADDRESS);
}
