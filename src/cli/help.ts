import { COMMANDS } from "./commands.ts";

/** `jitproof --help`, without loading any command. */
export function helpText(): string {
  const entries = Object.values(COMMANDS);
  const width = Math.max(...entries.map(({ usage }) => usage.length));
  return [
    "Proves, one machine instruction at a time, that an eBPF JIT keeps its promises.",
    "",
    "Usage: jitproof COMMAND [OPTIONS]",
    "",
    ...entries.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`),
    "",
    "jitproof COMMAND --help lists a command's options. Without a PATH, the catalogue that ships is meant.",
    "Exit status: 0 all holds, 1 a contract or expectation is broken, 2 no verdict (bad input or usage, or a bug).",
    "",
  ].join("\n");
}
