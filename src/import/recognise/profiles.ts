import { kernelOf, type X86Profile } from "../../../jit/profile.ts";
import { PROFILES } from "../../../jit/profiles/index.ts";
import type { Era } from "./prologue.ts";
import type { Recognised } from "./recognise.ts";

/** What the bytes say of the kernel whose JIT wrote them. */
export interface RecognisedKernel {
  era: Era;
  /** releases, in words: "6.12 and later" */
  releases: string;
  /** profiles that write such code, oldest first */
  profiles: X86Profile[];
}

interface Candidate {
  era: Era;
  design: string;
  releases: string;
  fits?(functions: readonly Recognised[]): boolean;
}

const compares = (functions: readonly Recognised[], how: "above" | "not-below"): boolean =>
  functions.every(({ tailCalls }) => tailCalls.every(({ compare }) => compare === how));
const hasEndbr = (functions: readonly Recognised[]): boolean => functions.some(({ prologue }) => prologue?.ibt);

/** By design and by what was changed in it, oldest first. */
const CANDIDATES: readonly Candidate[] = [
  { era: "fixed-slot", design: "stack-slot-4.10", releases: "before 4.12" },
  { era: "short-slot", design: "stack-slot", releases: "up to 5.4" },
  { era: "pushed-slot", design: "stack-slot-poked", releases: "5.5 to 5.9" },
  {
    era: "value",
    design: "rax-value-5.10",
    releases: "5.10 to 5.16",
    fits: (all) => compares(all, "above") && !hasEndbr(all),
  },
  {
    era: "value",
    design: "rax-value-5.17",
    releases: "5.17",
    fits: (all) => compares(all, "not-below") && !hasEndbr(all),
  },
  { era: "value", design: "rax-value", releases: "5.18 to 6.11", fits: (all) => compares(all, "not-below") },
  { era: "pointer", design: "tcc-ptr", releases: "6.12 and later" },
];

/** The kernels whose JIT may have written these functions; undefined: none of those that we know. */
export function recogniseKernel(functions: readonly Recognised[]): RecognisedKernel | undefined {
  const era = functions.find(({ prologue }) => prologue && prologue.role !== "classic")?.prologue?.era;
  if (!era) return undefined;
  const ibt = hasEndbr(functions);
  const fitting = CANDIDATES.filter((candidate) => candidate.era === era && (candidate.fits?.(functions) ?? true));
  const releases = fitting.length > 1 ? spanOf(fitting) : (fitting[0]?.releases ?? "");
  const designs = fitting.map(({ design }) => design);
  const known = PROFILES.filter(({ design }) => designs.includes(design));
  const percpu = percpuStyle(functions);
  const like = known.filter(
    ({ percpu: { start } }) => percpu === undefined || (start === 0n) === (percpu === "offsets"),
  );
  const profiles = (like.length ? like : known).map((profile) =>
    profile.features.ibt === ibt ? profile : { ...profile, features: { ...profile.features, ibt } },
  );
  return profiles.length ? { era, releases, profiles } : { era, releases, profiles: oldest(era) };
}

/** "5.10 to 6.11" of "5.10 to 5.16", "5.17" and "5.18 to 6.11" */
function spanOf(fitting: readonly Candidate[]): string {
  const first = fitting[0].releases.split(" ")[0];
  return `${first} to ${fitting[fitting.length - 1].releases.split(" ").at(-1)}`;
}

/** Per-CPU variables are offsets from 0 up to 6.14, and addresses in the kernel image since. */
function percpuStyle(functions: readonly Recognised[]): "offsets" | "addresses" | undefined {
  const access = functions.flatMap(({ percpu }) => percpu)[0];
  return access && (access.offset >= 0n ? "offsets" : "addresses");
}

/** 5.5 to 5.9 have no profile: the nearest's layouts. */
const oldest = (era: Era): X86Profile[] =>
  PROFILES.filter((profile) => kernelOf(profile) === (era === "pushed-slot" ? "linux-5.4" : "linux-6.12"));
