import { VerifierError } from "../../bpf/verifier/index.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import type { ExactRun } from "../exact/count.ts";
import type { Graph } from "./graph.ts";
import { Laboratory, type Trial } from "./laboratory.ts";
import type { Indexing } from "./program-text.ts";

/** A graph that breaks a design, and how far it goes. */
export interface Broken {
  graph: Graph;
  indexing: Indexing;
  trial: Extract<Trial, { kind: "broken" }>;
  exact: ExactRun;
  /** tail calls that a count on the entry's stack would let it take (tcc-ptr); undefined: not known */
  holds: bigint | undefined;
}

type Place<T> = T & { index: number };

/** What the search found out about one profile. */
export interface Found {
  profile: string;
  /** graphs tried: direct and indirect, traced and not, counted apart */
  tried: number;
  /** graphs that the profile's kernel doesn't take: its verifier knows no such mix */
  refused: number;
  broken: number;
  /** how many take another number of tail calls, or break, where a fexit program that tail-calls is attached to each function */
  traced: number;
  /** of those that broke without: how many were counted to their end, how many have none, and the most tail calls that one of them takes */
  counted: number;
  endless: number;
  most: bigint;
  /** the smallest that broke, and its place among the graphs */
  smallest?: Place<Broken>;
  /** the same for those that are traced */
  smallestTraced?: Place<Omit<Broken, "exact">>;
  ms: number;
}

/** A profile with the design that was merged. */
const REFERENCE = "linux-6.12";
const INDEXINGS: readonly Indexing[] = ["direct", "indirect"];

/** One of several threads takes each graph. */
export interface Part {
  part: number;
  of: number;
}

/** Try every graph, or every one of a part, on a profile. `graphs`: smallest first. */
export function search(
  profile: X86Profile,
  graphs: readonly Graph[],
  slots: number,
  { part, of }: Part = { part: 0, of: 1 },
): Found {
  const start = performance.now();
  const plain = new Laboratory(profile, slots);
  const traced = profile.trampoline && new Laboratory(profile, slots, true);
  const found: Found = {
    profile: profile.name,
    tried: 0,
    refused: 0,
    broken: 0,
    traced: 0,
    counted: 0,
    endless: 0,
    most: 0n,
    ms: 0,
  };
  try {
    for (let index = part; index < graphs.length; index += of)
      for (const indexing of INDEXINGS) {
        const graph = graphs[index];
        const trial = tryOne(plain, graph, indexing);
        if (!trial) {
          found.refused++;
          continue;
        }
        found.tried++;
        const holds = (): bigint | undefined => referenceCount(graph, indexing, slots);
        if (trial.kind === "broken") {
          const exact = plain.count(graph, indexing);
          found.broken++;
          note(found, exact);
          found.smallest ??= { index, graph, indexing, trial, exact, holds: holds() };
        } else if (traced) {
          found.tried++;
          const otherwise = changed(trial, traced.try(graph, indexing));
          if (!otherwise) continue;
          found.traced++;
          found.smallestTraced ??= { index, graph, indexing, trial: otherwise, holds: holds() };
        }
      }
  } finally {
    plain.close();
    traced?.close();
  }
  found.ms = performance.now() - start;
  return found;
}

/** What the parts of a search found, together. */
export function together([one, ...others]: readonly Found[]): Found {
  return others.reduce(
    (all, found) => ({
      profile: all.profile,
      tried: all.tried + found.tried,
      refused: all.refused + found.refused,
      broken: all.broken + found.broken,
      counted: all.counted + found.counted,
      endless: all.endless + found.endless,
      most: found.most > all.most ? found.most : all.most,
      traced: all.traced + found.traced,
      ...first("smallest", all, found),
      ...first("smallestTraced", all, found),
      ms: Math.max(all.ms, found.ms),
    }),
    one,
  );
}

/** What trampolines change. */
function changed(plain: Trial & { kind: "fine" }, traced: Trial): Broken["trial"] | undefined {
  if (traced.kind === "broken") return traced;
  return traced.tailCalls === plain.tailCalls ? undefined : { ...traced, kind: "broken", how: "count" };
}

/** Whichever of the two stands first among the graphs. */
function first<K extends "smallest" | "smallestTraced">(key: K, a: Found, b: Found): Pick<Found, K> {
  const at = (found: Found): number => found[key]?.index ?? Number.POSITIVE_INFINITY;
  const { [key]: smallest } = at(a) <= at(b) ? a : b;
  return (smallest ? { [key]: smallest } : {}) as Pick<Found, K>;
}

function note(found: Found, exact: ExactRun): void {
  if (exact.kind === "exact") {
    found.counted++;
    if (exact.tailCalls > found.most) found.most = exact.tailCalls;
  } else if (exact.kind === "endless") found.endless++;
}

/** What a kernel that is right makes of the graph. */
function referenceCount(graph: Graph, indexing: Indexing, slots: number): bigint | undefined {
  const laboratory = new Laboratory(profileNamed(REFERENCE)!, slots);
  try {
    const trial = laboratory.try(graph, indexing);
    return trial.kind === "fine" ? BigInt(trial.tailCalls) : undefined;
  } finally {
    laboratory.close();
  }
}

/** Undefined: the kernel's verifier refuses. */
function tryOne(laboratory: Laboratory, graph: Graph, indexing: Indexing): Trial | undefined {
  try {
    return laboratory.try(graph, indexing);
  } catch (error) {
    if (error instanceof VerifierError) return undefined;
    throw error;
  }
}
