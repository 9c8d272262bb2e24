import type { TailCallCounting } from "../../bpf/interpreter/settings.ts";
import { VerifierError } from "../../bpf/verifier/index.ts";
import { JitError } from "../../jit/error.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";
import { compareReleases, releaseOf } from "../../jit/profiles/release.ts";
import { countingOf } from "../reference/counting.ts";
import { canTrace } from "./attach.ts";
import { type Dialect, dialectNeeded, dialectOf, takes } from "./dialect.ts";
import { type Disagreement, difference } from "./disagreement.ts";
import type { Genome } from "./genome.ts";
import { LIMIT, type ProgramOutcome } from "./outcome.ts";
import { Reference } from "./reference.ts";
import { Rig } from "./rig.ts";
import { type WrittenProgram, writeProgram } from "./write.ts";

/** Programs of a genome, at most. */
const MOST_PROGRAMS = 3;

/** What a genome came to. */
export interface Trial {
  program: WrittenProgram;
  /** profiles that ran it */
  profiles: string[];
  disagreements: Disagreement[];
  /** profiles on which it goes past the limit, as their designs are known to */
  pastLimit: string[];
  /** the interpreter did not get to the end of it, so nothing was compared */
  tooLong: boolean;
  /** of the interpreter */
  instructions: number;
  tailCalls: number;
}

export interface LaboratoryOptions {
  profiles: readonly X86Profile[];
  /** every profile is held to one count per entry, whatever its design is known to do */
  strict: boolean;
}

/** The interpreter and the profiles' machines, to try one whole program after the other. */
export class Laboratory {
  readonly #rigs: Rig[];
  readonly #reference: Reference;
  readonly #strict: boolean;
  /** kernels that take part, newest first */
  readonly eras: readonly { name: string; dialect: Dialect }[];

  constructor({ profiles, strict }: LaboratoryOptions) {
    this.#strict = strict;
    this.#rigs = profiles.map((profile) => new Rig(profile));
    const release = ({ profile }: Rig) => releaseOf(kernelOf(profile));
    const newestFirst = [...this.#rigs].sort((a, b) => compareReleases(release(b), release(a)));
    const kernels = [...new Map(newestFirst.map((rig) => [kernelOf(rig.profile), rig])).values()];
    this.eras = kernels.map(({ profile, features }) => ({ name: kernelOf(profile), dialect: dialectOf(features) }));
    this.#reference = new Reference(newestFirst[0].profile, MOST_PROGRAMS);
  }

  /** `verified`: the whole verifier must take it, too. */
  try(genome: Genome, verified: boolean): Trial {
    const era = this.eras[genome.era % this.eras.length];
    const program = writeProgram(genome, era.dialect);
    const needed = program.programs.map(dialectNeeded);
    const rigs = this.#rigs
      .filter(({ dialect }) => needed.every((each) => takes(dialect, each)))
      .filter(({ profile }) => program.tracers.length === 0 || canTrace(profile));
    const trial: Trial = {
      program,
      profiles: rigs.map(({ profile }) => profile.name),
      disagreements: [],
      pastLimit: [],
      tooLong: false,
      instructions: 0,
      tailCalls: 0,
    };
    const references = new Map<string, ProgramOutcome>();
    for (const rig of rigs) {
      const counting = this.#countingOf(rig);
      const key = `${counting.per} ${counting.countsEmpty}`;
      const reference = references.get(key) ?? this.#reference.run(program, counting);
      references.set(key, reference);
      if (reference.runs.some(({ findings }) => findings.some(({ check }) => check === "budget"))) {
        trial.tooLong = true;
        return trial;
      }
      trial.instructions = reference.instructions;
      trial.tailCalls = Math.max(...reference.runs.map(({ tailCalls }) => Math.min(LIMIT, Number(tailCalls))));
      if (reference.runs.some(({ isPastLimit }) => isPastLimit)) trial.pastLimit.push(rig.profile.name);
      const found = this.#compare(rig, program, verified, reference);
      if (found) trial.disagreements.push({ profile: rig.profile.name, ...found });
    }
    return trial;
  }

  /** What the interpreter makes of a genome where it counts as that profile does. */
  expect(genome: Genome, profile: string): { program: WrittenProgram; reference: ProgramOutcome } {
    const program = writeProgram(genome, this.eras[genome.era % this.eras.length].dialect);
    const rig = this.#rigs.find((one) => one.profile.name === profile) ?? this.#rigs[0];
    return { program, reference: this.#reference.run(program, this.#countingOf(rig)) };
  }

  #countingOf({ profile }: Rig): TailCallCounting {
    const counting = countingOf(profile);
    return this.#strict ? { ...counting, per: "entry" } : counting;
  }

  #compare(
    rig: Rig,
    program: WrittenProgram,
    verified: boolean,
    reference: ProgramOutcome,
  ): Omit<Disagreement, "profile"> | undefined {
    try {
      return difference(reference, rig.run(program, verified));
    } catch (error) {
      const refused = error instanceof VerifierError || error instanceof JitError;
      const { name, message } = error as Error;
      return { what: refused ? "refused" : "error", step: 0, expected: "a run", actual: `${name}: ${message}` };
    }
  }

  close(): void {
    for (const rig of this.#rigs) rig.close();
  }
}
