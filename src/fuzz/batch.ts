import { coverageOf } from "./coverage.ts";
import type { Disagreement } from "./disagreement.ts";
import { Generator } from "./generate.ts";
import type { Laboratory } from "./laboratory.ts";

/** Programs that are handed out together. */
export const BATCH = 50;

/** What came of the programs `from` to `from + programs`. */
export interface BatchResult {
  from: number;
  programs: number;
  /** BPF programs in them, and their instructions */
  loaded: number;
  slots: number;
  /** instructions that the interpreter executed */
  instructions: number;
  tailCalls: number;
  /** runs of a program on a profile that were compared */
  compared: number;
  tooLong: number;
  /** programs that went past the limit on a profile whose design is known for it */
  pastLimit: number;
  disagreements: { index: number; disagreement: Disagreement }[];
  /** profile -> what this thread had not covered before, and in which program */
  covered: { profile: string; index: number; numbers: number[] }[];
}

export interface CampaignSettings {
  seed: number;
  /** profiles' names */
  profiles: readonly string[];
  /** every profile is held to one count per entry, whatever its design is known to do */
  strict: boolean;
  /** one in that many programs goes through the whole verifier; 0: none does */
  verifyEvery: number;
}

/** Whether a program goes through the whole verifier. */
export const isVerified = ({ verifyEvery }: CampaignSettings, index: number): boolean =>
  verifyEvery > 0 && index % verifyEvery === 0;

/** Tries programs by their numbers, and remembers what it has covered. */
export class BatchRunner {
  readonly #settings: CampaignSettings;
  readonly #laboratory: Laboratory;
  readonly #generator: Generator;
  readonly #seen = new Map<string, Set<number>>();

  constructor(settings: CampaignSettings, laboratory: Laboratory) {
    this.#settings = settings;
    this.#laboratory = laboratory;
    this.#generator = new Generator(settings.seed, laboratory.eras.length);
  }

  run(from: number, programs: number): BatchResult {
    const result: BatchResult = {
      from,
      programs,
      loaded: 0,
      slots: 0,
      instructions: 0,
      tailCalls: 0,
      compared: 0,
      tooLong: 0,
      pastLimit: 0,
      disagreements: [],
      covered: [],
    };
    for (let index = from; index < from + programs; index++) this.#one(index, result);
    return result;
  }

  #one(index: number, result: BatchResult): void {
    const trial = this.#laboratory.try(this.#generator.generate(index), isVerified(this.#settings, index));
    const { program, profiles } = trial;
    result.loaded += program.programs.length;
    for (const { insns } of program.programs) result.slots += insns.length;
    result.instructions += trial.instructions;
    if (trial.tooLong) {
      result.tooLong++;
      return;
    }
    result.compared += profiles.length;
    result.tailCalls += trial.tailCalls;
    if (trial.pastLimit.length) result.pastLimit++;
    for (const disagreement of trial.disagreements) result.disagreements.push({ index, disagreement });
    const numbers = coverageOf(program);
    for (const profile of profiles) {
      const seen = this.#seen.get(profile) ?? new Set<number>();
      this.#seen.set(profile, seen);
      const fresh = [...numbers].filter((number) => !seen.has(number));
      if (!fresh.length) continue;
      for (const number of fresh) seen.add(number);
      result.covered.push({ profile, index, numbers: fresh });
    }
  }
}
