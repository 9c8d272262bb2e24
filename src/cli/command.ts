import { Command } from "commander";

/** A command whose errors are thrown, to be told on one line. */
export function newCommand(name: string, summary: string): Command {
  return new Command(`jitproof ${name}`)
    .description(summary)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption("-h, --help", "this list");
}

/** Calls a command's file with its arguments; asking for help is no error. */
export async function runCommand(file: { command(): Command }, args: readonly string[]): Promise<void> {
  try {
    await file.command().parseAsync([...args], { from: "user" });
  } catch (error) {
    if ((error as { code?: string }).code !== "commander.helpDisplayed") throw error;
  }
}
