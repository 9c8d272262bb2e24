import type { X86Profile } from "../profile.ts";

/** A profile under other circumstances: what the command line or the CPU changes about the same kernel. */
export interface Variant {
  name: string;
  about: string;
  /** whether that kernel has it; default: all have */
  fits?(profile: X86Profile): boolean;
  apply(profile: X86Profile): X86Profile;
}

const withFeatures = (profile: X86Profile, features: Partial<X86Profile["features"]>): X86Profile => ({
  ...profile,
  features: { ...profile.features, ...features },
});

/** Before 7.0 a Zen 2 returns through the SRSO thunk. */
const zenThunk = (profile: X86Profile): string =>
  profile.name.startsWith("linux-7") ? "retbleed_return_thunk" : "srso_return_thunk";

export const VARIANTS: readonly Variant[] = [
  {
    name: "mitoff",
    about: "mitigations=off: plain ret and indirect jumps",
    apply: (profile) => withFeatures(profile, { ret: "int3", indirectJump: "int3" }),
  },
  {
    name: "zen2",
    about: "a CPU with retbleed: returns through a thunk",
    apply: (profile) => withFeatures(profile, { ret: { thunk: zenThunk(profile) } }),
  },
  {
    name: "its",
    about: "indirect target selection: returns through a thunk",
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
    about: "spectre_v2=retpoline,lfence: indirect jumps behind lfence",
    apply: (profile) => withFeatures(profile, { indirectJump: "lfence", ret: { thunk: zenThunk(profile) } }),
  },
  {
    name: "nobmi2",
    about: "a CPU without BMI2: shifts through rcx",
    apply: (profile) => withFeatures(profile, { bmi2: false }),
  },
  {
    name: "harden",
    about: "net.core.bpf_jit_harden=2: constants are blinded, no direct tail calls",
    apply: (profile) => ({ ...profile, harden: true }),
  },
];
