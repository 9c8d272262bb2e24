import type { Xlated } from "../../bpf/xlated.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { Kernel } from "../../emulator/kernel.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { ProgramBook } from "../runner/code-book.ts";
import { loadProgram } from "../runner/load-program.ts";
import { newMachine } from "../runner/machine.ts";
import { Session } from "../runner/session.ts";
import type { ExecutionSettings, Loaded, Prepared } from "./execution.ts";

const NAME = "program";

/** Compile the program as that profile's kernel does and put it on a machine, every contract on. Throws JitError. */
export function loadCompiled(
  { xlated, classic }: Prepared,
  profile: X86Profile,
  { kernel: features, helpers = {}, budget }: ExecutionSettings,
): Loaded {
  const machine = newMachine({ layout: { structs: features.structs, percpu: profile.percpu } });
  try {
    const kernel = new Kernel(machine, behaviourOf(profile.name));
    for (const [name, model] of Object.entries(helpers))
      machine.host.provide(name, ({ args }) => model(args, machine.memory));
    const [main] = loadProgram(kernel, NAME, xlated, profile, { classic });
    const session = new Session(kernel, bookOf(xlated));
    return {
      run(enter) {
        const { r1, r2, skb } = enter(machine);
        kernel.skb = skb;
        return session.enter({ entry: main.entry, context: r1, second: r2, budget });
      },
      close: () => machine.close(),
    };
  } catch (error) {
    machine.close();
    throw error;
  }
}

function bookOf(xlated: Xlated): ProgramBook {
  const book = new ProgramBook();
  book.add(NAME, xlated);
  return book;
}
