import type { CampaignSettings } from "./batch.ts";
import { isVerified } from "./batch.ts";
import { laboratoryFor } from "./campaign.ts";
import type { Disagreement } from "./disagreement.ts";
import { Generator } from "./generate.ts";
import type { Genome } from "./genome.ts";
import type { Laboratory } from "./laboratory.ts";
import { scenarioText } from "./scenario-text.ts";
import type { NumberedDisagreement } from "./tally.ts";

/** Smaller programs that are tried for one disagreement, at most. */
const TRIES = 3000;

/** A disagreement at its smallest. */
export interface Reduced {
  index: number;
  disagreement: Disagreement;
  /** BPF instructions that are left */
  slots: number;
  /** the scenario file */
  text: string;
}

/** The smallest program that disagrees in the same way on the same profile. */
export function reduce(settings: CampaignSettings, { index, disagreement }: NumberedDisagreement): Reduced {
  const { profile, what } = disagreement;
  const laboratory = laboratoryFor(settings);
  try {
    const generator = new Generator(settings.seed, laboratory.eras.length);
    const verified = isVerified(settings, index);
    let last: Disagreement = disagreement;
    const smallest = generator.shrink(
      index,
      (genome) => {
        const found = laboratory
          .try(genome, verified)
          .disagreements.find((one) => one.profile === profile && one.what === what);
        last = found ?? last;
        return found !== undefined;
      },
      TRIES,
    );
    const { program, reference } = laboratory.expect(smallest, profile);
    const { finding, expected, actual } = last;
    const text = scenarioText(program, reference, {
      title: `What fuzz --seed ${settings.seed} --from ${index} found, ${what} on ${profile}`,
      about: [finding?.message, `expected ${expected}, found ${actual}`].filter(Boolean).join("\n"),
      profiles: [`${eraOf(laboratory, smallest)}..`, ...(profile.startsWith("rfc-") ? ["rfc-*"] : [])].join(", "),
    });
    const slots = program.programs.reduce((sum, { insns }) => sum + insns.length, 0);
    return { index, disagreement: last, slots, text };
  } finally {
    laboratory.close();
  }
}

/** One program of a campaign as a scenario file. */
export function programText(settings: CampaignSettings, index: number): string {
  const laboratory = laboratoryFor(settings);
  try {
    const genome = new Generator(settings.seed, laboratory.eras.length).generate(index);
    const { program, reference } = laboratory.expect(genome, settings.profiles[0]);
    return scenarioText(program, reference, {
      title: `What fuzz --seed ${settings.seed} --from ${index} generates`,
      about: "The first program to cover an opcode, or a way to call.",
      profiles: `${eraOf(laboratory, genome)}..`,
    });
  } finally {
    laboratory.close();
  }
}

const eraOf = ({ eras }: Laboratory, { era }: Genome): string => eras[era % eras.length].name;
