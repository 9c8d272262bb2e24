import { UserError } from "../error.ts";
import { hint } from "../suggest.ts";
import { goTo, PLACES } from "./places.ts";
import type { DebugView } from "./view.ts";
import { contractsText, endingText, framesText, registersText, tailCallsText, whereText } from "./view-texts.ts";

interface Command {
  usage: string;
  about: string;
  run(view: DebugView, argument: string): string | Promise<string>;
}

const COMMANDS: Record<string, Command> = {
  where: { usage: "where", about: "which instruction of which run this is", run: whereText },
  tailcalls: {
    usage: "tailcalls",
    about: "the tail calls of the recording, and where among them this is",
    run: tailCallsText,
  },
  frames: { usage: "frames [N]", about: "the stack, drawn frame by frame; or the N innermost", run: framesText },
  contracts: { usage: "contracts", about: "what was checked, and what was found broken", run: contractsText },
  registers: { usage: "registers", about: "the BPF registers", run: registersText },
  goto: {
    usage: "goto PLACE",
    about: `go to ${PLACES}; a gdb without our script then wants maintenance flush register-cache`,
    run: goTo,
  },
  help: { usage: "help", about: "this list", run: () => helpText() },
};

const helpText = (): string =>
  Object.values(COMMANDS)
    .map(({ usage, about }) => `monitor ${usage.padEnd(10)}  ${about}\n`)
    .join("");

/** The commands of `monitor`. */
export class Monitor {
  readonly #view: DebugView;

  constructor(view: DebugView) {
    this.#view = view;
  }

  /** What a command says, lines with line breaks; what is wrong with it, too. */
  async run(line: string): Promise<string> {
    const [, name, argument] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line)!;
    if (name === "") return helpText();
    const names = Object.keys(COMMANDS);
    const command = names.includes(name) ? COMMANDS[name] : undefined;
    if (!command) return `there is no "monitor ${name}"${hint(name, names)}: see monitor help\n`;
    try {
      return await command.run(this.#view, argument);
    } catch (error) {
      if (error instanceof UserError) return `${error.message}\n`;
      throw error;
    }
  }

  /** How the recording ends, where the present state is its end. */
  ending(): string {
    return endingText(this.#view);
  }
}
