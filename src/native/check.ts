import { trust } from "../../bpf/verifier/index.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { RAX } from "../../emulator/engine.ts";
import { Kernel } from "../../emulator/kernel.ts";
import type { Machine } from "../../emulator/machine.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";
import { dialectOf } from "../fuzz/dialect.ts";
import { Generator } from "../fuzz/generate.ts";
import { KernelSurroundings } from "../fuzz/surroundings.ts";
import { MAPS, type WrittenProgram, writeProgram } from "../fuzz/write.ts";
import { loadProgram } from "../runner/load-program.ts";
import { machineFor } from "../runner/machine.ts";
import { verifierOf } from "../runner/verifier-of.ts";
import type { Child } from "./child.ts";
import { Mirror, USER_LAYOUT } from "./mirror.ts";
import { Script } from "./script.ts";

/** Instructions that a run may take on the emulator. */
const BUDGET = 2_000_000;
/** Programs that one process runs. */
const BATCH = 100;
const SAME = 2n ** 64n - 1n;

/** The CPU does not do what the emulator does. */
export interface NativeDisagreement {
  index: number;
  step: number;
  what: "signal" | "r0" | "callee-saved" | "memory";
  emulator: string;
  cpu: string;
}

export interface NativeResult {
  profile: string;
  /** programs that ran on both */
  programs: number;
  /** their entries from outside */
  runs: number;
  /** programs that were left out: they call helpers, which are no machine code */
  skipped: number;
  disagreements: NativeDisagreement[];
}

/** What one entry came to on the emulator, and where the CPU's answers are. */
interface Expected {
  index: number;
  step: number;
  r0: bigint;
  entered: number;
  compared: number[];
}

/** Run generated programs on the emulator and on this machine's CPU, until `programs` have run on both. */
export function checkNative(
  profile: X86Profile,
  seed: number,
  programs: number,
  child: Child,
  progress: (done: number) => void = () => {},
): NativeResult {
  const features = verifierOf(profile);
  const generator = new Generator(seed, 1);
  const result: NativeResult = { profile: profile.name, programs: 0, runs: 0, skipped: 0, disagreements: [] };
  for (let index = 0; result.programs < programs; ) {
    const machine = machineFor(profile, features, undefined, USER_LAYOUT);
    try {
      const bench = new Bench(machine, profile);
      for (; bench.programs < BATCH && result.programs + bench.programs < programs; index++)
        if (!bench.try(index, writeProgram(generator.generate(index), dialectOf(features)))) result.skipped++;
      result.programs += bench.programs;
      result.runs += bench.expected.length;
      const differs = bench.compare(child.run(bench.script));
      if (differs) result.disagreements.push(differs);
    } finally {
      machine.close();
    }
    progress(result.programs);
  }
  return result;
}

/** One machine, and the script that repeats on the CPU what it did. */
class Bench {
  readonly script = new Script();
  readonly expected: Expected[] = [];
  programs = 0;
  readonly #profile: X86Profile;
  readonly #around: KernelSurroundings;
  readonly #mirror: Mirror;

  constructor(machine: Machine, profile: X86Profile) {
    this.#profile = profile;
    this.#around = new KernelSurroundings(new Kernel(machine, behaviourOf(kernelOf(profile))));
    this.#mirror = new Mirror(this.#around.kernel);
    this.#mirror.begin(this.script);
  }

  /** False: it calls helpers. */
  try(index: number, program: WrittenProgram): boolean {
    const { kernel } = this.#around;
    const { machine } = kernel;
    const features = verifierOf(this.#profile);
    const xlated = program.programs.map((one) => trust(one, MAPS, features));
    if (program.tracers.length || xlated.some(({ calls }) => calls.size > 0)) return false;
    machine.unload();
    kernel.programs.length = 0;
    xlated.forEach((one, i) => {
      loadProgram(kernel, program.programs[i].name, one, this.#profile);
    });
    this.#around.reset(program);
    for (const { table, index: slot, program: held } of program.table)
      this.#around.setSlot(table, slot, kernel.programs[held]);
    this.programs++;
    for (const [step, what] of program.steps.entries())
      if (what.kind !== "run") this.#around.apply(what, kernel.programs);
      else if (!this.#enter(index, step, kernel.programs[what.program].entry, program.programs[what.program].type))
        break;
    return true;
  }

  /** Enter on the emulator, and have it entered on the CPU; false: it does not return. */
  #enter(index: number, step: number, entry: bigint, type: number): boolean {
    const { machine } = this.#around.kernel;
    const context = this.#around.context(type);
    const { script } = this;
    this.#mirror.send(script);
    machine.prepare({ entry, context, second: 0n });
    machine.engine.icount = 0;
    if (machine.resume(BUDGET).kind !== "until") return false;
    const entered = script.enter(entry, context);
    this.expected.push({ index, step, r0: machine.engine.regs[RAX], entered, compared: this.#mirror.compare(script) });
    return true;
  }

  /** The first difference; what comes behind it may come of it. */
  compare(answers: BigUint64Array): NativeDisagreement | undefined {
    for (const { index, step, r0, entered, compared } of this.expected) {
      const [signal, rax, changed] = answers.subarray(entered, entered + 3);
      const differ = (what: NativeDisagreement["what"], emulator: unknown, cpu: unknown): NativeDisagreement => ({
        index,
        step,
        what,
        emulator: String(emulator),
        cpu: String(cpu),
      });
      if (signal) return differ("signal", "none", signal);
      if (rax !== r0) return differ("r0", r0, rax);
      if (changed) return differ("callee-saved", "all", `not those of bits 0x${changed.toString(16)}`);
      if (compared.some((at) => answers[at] !== SAME)) return differ("memory", "its maps", "other bytes");
    }
    return undefined;
  }
}
