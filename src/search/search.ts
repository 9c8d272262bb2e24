import { VerifierError } from "../../bpf/verifier/index.ts";
import type { X86Profile } from "../../jit/profile.ts";
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
        found.smallest ??= { graph, indexing, trial, exact: laboratory.count(graph, indexing) };
      }
  } finally {
    laboratory.close();
  }
  found.ms = performance.now() - start;
  return found;
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
