import { helperName } from "../../bpf/helper-ids.ts";
import { linkProgram } from "../../bpf/interpreter/link.ts";
import type { Runnable } from "../../bpf/interpreter/runnable.ts";
import type { TailCallCounting } from "../../bpf/interpreter/settings.ts";
import { BPF_HELPER_CALL, CALL } from "../../bpf/opcode.ts";
import type { Program } from "../../bpf/program.ts";
import { helperSymbol } from "../../bpf/verifier/helpers.ts";
import type { KernelFeatures } from "../../bpf/verifier/index.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { Kernel } from "../../emulator/kernel.ts";
import { Machine } from "../../emulator/machine.ts";
import type { ArrayMap } from "../../emulator/maps/array.ts";
import type { LoadedProgram } from "../../emulator/maps/prog-array.ts";
import { MemoryEngine } from "../../emulator/memory-engine.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";
import { ReferenceSession } from "../reference/session.ts";
import { verifierOf } from "../runner/verifier-of.ts";
import { contentsOf, LIMIT, type ProgramOutcome, runOutcome } from "./outcome.ts";
import { KernelSurroundings } from "./surroundings.ts";
import type { WrittenProgram } from "./write.ts";

/** Instructions that a run may take; one that takes more is not compared. */
const BUDGET = 100_000;
/** bpf_func of the programs: nothing is there. */
const ENTRIES = 0x1000n;

const TRACERS = 0x800n;

/** The reference interpreter on the programs as they are loaded: no verifier's rewrites, no JIT. */
export class Reference {
  readonly #features: KernelFeatures;
  readonly #engine = new MemoryEngine();
  readonly #around: KernelSurroundings;
  readonly #sessions = new Map<string, ReferenceSession>();
  readonly #loaded: LoadedProgram[];

  /** `profile`: whose struct layouts its maps have */
  constructor(profile: X86Profile, mostPrograms: number) {
    this.#features = verifierOf(profile);
    const layout = { structs: this.#features.structs, percpu: profile.percpu };
    const kernel = new Kernel(new Machine({ engine: this.#engine, layout }), behaviourOf(kernelOf(profile)));
    this.#around = new KernelSurroundings(kernel);
    this.#loaded = Array.from({ length: mostPrograms }, (_, i) => kernel.addProgram(`p${i}`, ENTRIES * BigInt(i + 1)));
  }

  run(program: WrittenProgram, counting: TailCallCounting): ProgramOutcome {
    const around = this.#around;
    const session = this.#session(counting);
    around.reset(program);
    session.clear();
    program.programs.forEach((one, i) => {
      session.add(one.name, this.#loaded[i].entry, this.#link(one));
    });
    program.tracers.forEach(({ program: tracer, type, target, start, nargs }, i) => {
      session.add(tracer.name, TRACERS + BigInt(i), this.#link(tracer));
      session.attach(program.programs[target].name, start, tracer.name, type, nargs);
    });
    for (const { table, index, program: held } of program.table) around.setSlot(table, index, this.#loaded[held]);
    const outcome: ProgramOutcome = { runs: [], maps: [], instructions: 0 };
    for (const [index, step] of program.steps.entries()) {
      if (step.kind !== "run") {
        around.apply(step, this.#loaded);
        continue;
      }
      const context = around.context(program.programs[step.program].type);
      const ran = session.enter({ entry: this.#loaded[step.program].entry, context, tailCallLimit: LIMIT });
      outcome.instructions += ran.instructions;
      outcome.runs.push(runOutcome(index, ran));
      if (ran.r0 === undefined) break;
    }
    outcome.maps = contentsOf(around.kernel, program.maps);
    return outcome;
  }

  #session(counting: TailCallCounting): ReferenceSession {
    const key = JSON.stringify(counting);
    let session = this.#sessions.get(key);
    if (!session) {
      session = new ReferenceSession({ kernel: this.#around.kernel, engine: this.#engine, counting, budget: BUDGET });
      this.#sessions.set(key, session);
    }
    return session;
  }

  #link(program: Program): Runnable {
    const { kernel } = this.#around;
    const linked = linkProgram(program, {
      map: (name) => kernel.maps.get(name)!.address,
      value: (name) => (kernel.maps.get(name) as ArrayMap).values,
    });
    const calls = new Map(linked.calls);
    program.insns.forEach(({ code, src, imm }, slot) => {
      if (code === CALL && src === BPF_HELPER_CALL)
        calls.set(slot, helperSymbol(helperName(imm)!.slice("bpf_".length), program.type, this.#features));
    });
    return { ...linked, calls };
  }
}
