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

/** What the search found out about one profile. */
export interface Found {
  profile: string;
  /** graphs tried, direct and indirect counted apart */
  tried: number;
  /** graphs that the profile's kernel doesn't take: its verifier knows no such mix */
  refused: number;
  broken: number;
  /** the smallest that broke */
  smallest?: Broken;
  ms: number;
}

/** A profile with the design that was merged. */
const REFERENCE = "linux-6.12";
const INDEXINGS: readonly Indexing[] = ["direct", "indirect"];

/** Try every graph on a profile. `graphs`: smallest first. */
export function search(profile: X86Profile, graphs: readonly Graph[], slots: number): Found {
  const start = performance.now();
  const laboratory = new Laboratory(profile, slots);
  const found: Found = { profile: profile.name, tried: 0, refused: 0, broken: 0, ms: 0 };
  try {
    for (const graph of graphs)
      for (const indexing of INDEXINGS) {
        const trial = tryOne(laboratory, graph, indexing);
        if (!trial) {
          found.refused++;
          continue;
        }
        found.tried++;
        if (trial.kind === "fine") continue;
        found.broken++;
        if (found.smallest) continue;
        const exact = laboratory.count(graph, indexing);
        found.smallest = { graph, indexing, trial, exact, holds: referenceCount(graph, indexing, slots) };
      }
  } finally {
    laboratory.close();
  }
  found.ms = performance.now() - start;
  return found;
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
