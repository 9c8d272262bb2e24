import { kernelOf, type X86Profile } from "../profile.ts";
import { designNamed } from "../x86/designs/index.ts";
import { FASTCALL_VARIANTS } from "./fastcall.ts";
import { compareReleases, releaseOf } from "./release.ts";

/** A profile under other circumstances: what the command line or the CPU changes about the same kernel. */
export interface Variant {
  name: string;
  about: string;
  /** whether that kernel has it; default: all have */
  fits?(profile: X86Profile): boolean;
  apply(profile: X86Profile): X86Profile;
  /** nobody has such a kernel: it is there to be tried by name, and in no list */
  unlisted?: boolean;
}

const withFeatures = (profile: X86Profile, features: Partial<X86Profile["features"]>): X86Profile => ({
  ...profile,
  features: { ...profile.features, ...features },
});

const since =
  (major: number, minor: number) =>
  (profile: X86Profile): boolean =>
    compareReleases(releaseOf(kernelOf(profile)), [major, minor]) >= 0;

/** RETHUNK (5.19) */
const hasReturnThunks = since(5, 19);

/** Before 7.0 a Zen 2 returns through the SRSO thunk. */
const zenThunk = (profile: X86Profile): string =>
  since(7, 0)(profile) ? "retbleed_return_thunk" : "srso_return_thunk";

/** cfi_bpf_hash and cfi_bpf_subprog_hash of some boot. */
export const HASH = { main: 0x5a2d7c31, subprog: 0x1f6b94e8 };

const withCfi = (profile: X86Profile, kind: "kcfi" | "fineibt", bhi = false): X86Profile =>
  withFeatures(profile, { cfi: { kind, hash: HASH, trap: profile.cfi ?? "ud2", bhi } });

/** Where a kernel without CONFIG_SMP has what would be per-CPU. */
const UP_START = 0xffffffff83400000n;

const withoutSmp = ({
  start,
  symbols: { this_cpu_off: _, ...symbols },
}: X86Profile["percpu"]): X86Profile["percpu"] => ({
  start: UP_START,
  up: true,
  symbols: Object.fromEntries(Object.entries(symbols).map(([name, at]) => [name, UP_START + (at - start)])),
});

/** Whether the design's code calls C functions, which may be compiled in several ways. */
const callsFunctions = ({ design }: X86Profile): boolean => designNamed(design).functions !== undefined;

export const VARIANTS: readonly Variant[] = [
  {
    name: "mitoff",
    about: "mitigations=off: plain ret and indirect jumps (before 5.16 the JIT does not ask)",
    fits: ({ features, mitigationsOff }) => features.indirectJump !== mitigationsOff.indirectJump,
    apply: (profile) => withFeatures(profile, profile.mitigationsOff),
  },
  {
    name: "zen2",
    about: "a CPU with retbleed: returns through a thunk (5.19)",
    fits: hasReturnThunks,
    apply: (profile) => withFeatures(profile, { ret: { thunk: zenThunk(profile) } }),
  },
  {
    name: "its",
    about: "indirect target selection: returns through a thunk (6.15, and late 6.1.y)",
    fits: hasReturnThunks,
    apply: (profile) => withFeatures(profile, { ret: { thunk: "its_return_thunk" } }),
  },
  {
    name: "stuff",
    about: "retbleed=stuff: calls are counted to refill the return stack (6.2)",
    fits: (profile) => profile.percpu.symbols.call_depth !== undefined,
    apply: (profile) =>
      withFeatures(profile, {
        ret: { thunk: "call_depth_return_thunk" },
        indirectJump: { thunk: "__x86_indirect_jump_thunk" },
        callDepth: "call_depth",
      }),
  },
  {
    name: "lfence",
    about: "spectre_v2=retpoline,lfence: indirect jumps behind lfence (5.16)",
    fits: since(5, 16),
    apply: (profile) =>
      withFeatures(profile, {
        indirectJump: "lfence",
        ...(hasReturnThunks(profile) ? { ret: { thunk: zenThunk(profile) } } : {}),
      }),
  },
  {
    name: "nobmi2",
    about: "a CPU without BMI2: shifts through rcx",
    fits: since(6, 1),
    apply: (profile) => withFeatures(profile, { bmi2: false }),
  },
  {
    name: "bhi",
    about:
      "branch history injection: a classic filter of the unprivileged calls clear_bhb_loop on exit (6.15, and late 6.1.y)",
    fits: since(6, 1),
    apply: (profile) => withFeatures(profile, { clearBhbLoop: true }),
  },
  {
    name: "ibhf",
    about: "BHI_DIS_S: a classic filter of the unprivileged ends with IBHF (6.15, and late 6.1.y)",
    fits: since(6, 1),
    apply: (profile) => withFeatures(profile, { ibhf: true }),
  },
  {
    name: "kcfi",
    about: "cfi=kcfi: a hash in front of bpf_func, for callers to compare (6.8)",
    fits: ({ cfi }) => cfi !== undefined,
    apply: (profile) => withCfi(profile, "kcfi"),
  },
  {
    name: "fineibt",
    about: "cfi=fineibt: indirect calls go through a check in front of bpf_func (6.8)",
    fits: ({ cfi }) => cfi !== undefined,
    apply: (profile) => withCfi(profile, "fineibt"),
  },
  {
    name: "fineibt-bhi",
    about: "cfi=fineibt,bhi: the check is a thunk's, which spoils the arguments where it fails (6.15)",
    fits: ({ cfi }) => cfi !== undefined && cfi !== "ud2",
    apply: (profile) => withCfi(profile, "fineibt", true),
  },
  {
    name: "harden",
    about: "net.core.bpf_jit_harden=2: constants are blinded, no direct tail calls",
    apply: (profile) => ({ ...profile, harden: true }),
  },
  {
    name: "lucky",
    about: "the C functions that the design calls happen to touch rax only",
    fits: callsFunctions,
    apply: (profile) => ({ ...profile, compilation: "lucky" }),
  },
  {
    name: "ordinary",
    about: "the C functions that the design calls use another scratch register, as compilers do",
    fits: callsFunctions,
    apply: (profile) => ({ ...profile, compilation: "ordinary" }),
  },
  {
    name: "up",
    about: "without CONFIG_SMP: per-CPU variables are where their symbols say",
    fits: ({ design }) => design === "task-inline",
    apply: (profile) => ({ ...profile, percpu: withoutSmp(profile.percpu) }),
  },
  ...FASTCALL_VARIANTS,
];
