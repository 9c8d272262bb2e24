import { type KernelFeatures, trust, verify } from "../../bpf/verifier/index.ts";
import { OutOfSpace } from "../../emulator/allocator.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { Kernel } from "../../emulator/kernel.ts";
import type { Machine } from "../../emulator/machine.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";
import { ProgramBook } from "../runner/code-book.ts";
import { loadProgram } from "../runner/load-program.ts";
import { machineFor } from "../runner/machine.ts";
import { Session } from "../runner/session.ts";
import { verifierOf } from "../runner/verifier-of.ts";
import { attachTracers } from "./attach.ts";
import { type Dialect, dialectOf } from "./dialect.ts";
import { contentsOf, LIMIT, type ProgramOutcome, runOutcome } from "./outcome.ts";
import { KernelSurroundings } from "./surroundings.ts";
import { MAPS, type WrittenProgram } from "./write.ts";

/** Instructions that a run may take. */
const BUDGET = 2_000_000;
/** Whole programs that one machine runs, one after the other. */
const PROGRAMS_PER_MACHINE = 400;

/** A profile's machine, in which whole programs run one after the other with every contract on. */
export class Rig {
  readonly profile: X86Profile;
  readonly features: KernelFeatures;
  readonly dialect: Dialect;
  #machine: Machine | undefined;
  #around: KernelSurroundings | undefined;
  #used = 0;

  constructor(profile: X86Profile) {
    this.profile = profile;
    this.features = verifierOf(profile);
    this.dialect = dialectOf(this.features);
  }

  /** Throws VerifierError, JitError, and what the machine throws. `verified`: by the whole verifier, not by trust(). */
  run(program: WrittenProgram, verified: boolean): ProgramOutcome {
    if (this.#used >= PROGRAMS_PER_MACHINE) this.close();
    try {
      return this.#run(program, verified);
    } catch (error) {
      const isFull = error instanceof OutOfSpace && this.#used > 1;
      this.close();
      if (!isFull) throw error;
      return this.#run(program, verified);
    }
  }

  #run(program: WrittenProgram, verified: boolean): ProgramOutcome {
    const { profile, features } = this;
    const around = this.#ready();
    const { kernel } = around;
    this.#used++;
    kernel.machine.unload();
    kernel.programs.length = 0;
    const book = new ProgramBook();
    const loaded = program.programs.map((one) => {
      const xlated = verified ? verify(one, MAPS, features) : trust(one, MAPS, features);
      for (const fn of xlated.functions) fn.nargs = one.functions.find(({ name }) => name === fn.name)?.nargs;
      book.add(one.name, xlated);
      return { xlated, placed: loadProgram(kernel, one.name, xlated, profile) };
    });
    attachTracers(kernel, profile, features, program, loaded, book);
    // constant blinding has drawn random numbers
    around.reset(program);
    for (const { table, index, program: held } of program.table) around.setSlot(table, index, kernel.programs[held]);
    const session = new Session(kernel, book);
    const outcome: ProgramOutcome = { runs: [], maps: [], instructions: 0 };
    for (const [index, step] of program.steps.entries()) {
      if (step.kind !== "run") {
        around.apply(step, kernel.programs);
        continue;
      }
      const { entry } = kernel.programs[step.program];
      const context = around.context(program.programs[step.program].type);
      const ran = session.enter({ entry, context, budget: BUDGET, tailCallLimit: LIMIT });
      outcome.instructions += ran.instructions;
      outcome.runs.push(runOutcome(index, ran));
      if (ran.r0 === undefined) break;
    }
    outcome.maps = contentsOf(kernel, program.maps);
    return outcome;
  }

  #ready(): KernelSurroundings {
    if (this.#around) return this.#around;
    this.#machine = machineFor(this.profile, this.features);
    this.#around = new KernelSurroundings(new Kernel(this.#machine, behaviourOf(kernelOf(this.profile))));
    this.#used = 0;
    return this.#around;
  }

  /** The next run starts with a machine of its own. */
  close(): void {
    this.#machine?.close();
    this.#machine = undefined;
    this.#around = undefined;
  }
}
