import type { BatchResult, CampaignSettings } from "./batch.ts";
import { Coverage } from "./coverage.ts";
import type { Disagreement } from "./disagreement.ts";

/** Sums over all batches so far. */
export interface Totals {
  programs: number;
  loaded: number;
  slots: number;
  instructions: number;
  tailCalls: number;
  compared: number;
  tooLong: number;
  pastLimit: number;
}

/** A campaign that can be gone on with. */
export interface SavedTally {
  settings: CampaignSettings;
  from: number;
  next: number;
  totals: Totals;
  disagreements: NumberedDisagreement[];
  covered: Record<string, readonly number[]>;
}

export type NumberedDisagreement = {
  index: number;
  disagreement: Omit<Disagreement, "finding"> & { message?: string };
};

/** What a campaign has come to, batch after batch in order. */
export class Tally {
  readonly settings: CampaignSettings;
  readonly from: number;
  next: number;
  readonly totals: Totals = {
    programs: 0,
    loaded: 0,
    slots: 0,
    instructions: 0,
    tailCalls: 0,
    compared: 0,
    tooLong: 0,
    pastLimit: 0,
  };
  readonly coverage = new Coverage();
  readonly disagreements: NumberedDisagreement[] = [];

  constructor(settings: CampaignSettings, from: number) {
    const { seed, profiles, strict, verifyEvery } = settings;
    this.settings = { seed, profiles: [...profiles], strict, verifyEvery };
    this.from = from;
    this.next = from;
  }

  static restore(saved: SavedTally): Tally {
    const tally = new Tally(saved.settings, saved.from);
    tally.next = saved.next;
    Object.assign(tally.totals, saved.totals);
    tally.disagreements.push(...saved.disagreements);
    for (const [profile, numbers] of Object.entries(saved.covered)) tally.coverage.add(profile, numbers);
    return tally;
  }

  save(): SavedTally {
    const { settings, from, next, totals, disagreements } = this;
    const covered = [...this.coverage.covered].map(([profile, { pairs }]) => [profile, [...pairs]] as const);
    return { settings, from, next, totals, disagreements, covered: Object.fromEntries(covered) };
  }

  /** Returns the numbers of programs that covered an opcode or a shape of calls for the first time. */
  add(batch: BatchResult): number[] {
    this.next = batch.from + batch.programs;
    for (const name of Object.keys(this.totals) as (keyof Totals)[]) this.totals[name] += batch[name];
    for (const { index, disagreement } of batch.disagreements) {
      const { finding, ...rest } = disagreement;
      this.disagreements.push({ index, disagreement: { ...rest, ...(finding ? { message: finding.message } : {}) } });
    }
    const fresh = new Set<number>();
    for (const { profile, index, numbers } of batch.covered) if (this.coverage.add(profile, numbers)) fresh.add(index);
    return [...fresh].sort((a, b) => a - b);
  }
}
