import { FASTCALL_GUARDS, type FastcallGuard } from "../../bpf/verifier/fastcall/features.ts";
import { kernelOf, type X86Profile } from "../profile.ts";
import { compareReleases, releaseOf } from "./release.ts";
import type { Variant } from "./variants.ts";

/** mark_fastcall_patterns() (6.12) */
const knowsFastcall = (profile: X86Profile): boolean => compareReleases(releaseOf(kernelOf(profile)), [6, 12]) >= 0;

const variant = (name: string, about: string, change: Partial<X86Profile>): Variant => ({
  name,
  about,
  fits: knowsFastcall,
  apply: (profile) => ({ ...profile, ...change }),
  unlisted: true,
});

const guards = Object.entries(FASTCALL_GUARDS) as [FastcallGuard, string][];

/** Other verifiers: what bpf_fastcall was and could be, and each of its conditions left out. */
export const FASTCALL_VARIANTS: readonly Variant[] = [
  variant("fastcall-off", "a verifier that keeps the spills and fills around bpf_fastcall calls", { fastcall: null }),
  variant("fastcall-rfc", "bpf_fastcall as in its RFC (June 2024)", { fastcall: { era: "rfc" } }),
  variant("fastcall-strict", "bpf_fastcall with the conditions that the kernel has not", {
    fastcall: { strict: true },
  }),
  variant("fastcall-jit", "the JIT writes bpf_get_smp_processor_id() out, as on arm64 and riscv64", {
    inlines: [{ helper: "bpf_get_smp_processor_id", variable: "cpu_number", size: 4 }],
  }),
  ...guards.map(([without, about]) =>
    variant(`fastcall-no-${without}`, `a wrong verifier, without the condition: ${about}`, { fastcall: { without } }),
  ),
];
