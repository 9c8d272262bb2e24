import { UserError } from "../error.ts";
import { hint } from "../suggest.ts";
import { COMMANDS, type CommandName } from "./commands.ts";
import { NO_VERDICT, report } from "./failure.ts";
import { helpText } from "./help.ts";
import { endQuietly } from "./quiet.ts";

/** The program: main() and what concerns the whole process. */
export function start(args: readonly string[]): Promise<void> {
  endQuietly(process.stderr);
  process.on("uncaughtException", (error) => process.exit(report(error)));
  return main(args);
}

/** Runs the command line; `args` without node and script. The exit status is left in process.exitCode. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    await dispatch(args);
  } catch (error) {
    process.exitCode = report(error);
  }
}

async function dispatch(args: readonly string[]): Promise<void> {
  const at = args.findIndex((arg) => !arg.startsWith("-"));
  const before = at < 0 ? args : args.slice(0, at);
  const [name, ...after] = at < 0 ? [] : args.slice(at);
  if (before.includes("--help") || before.includes("-h") || (name === "help" && after.length === 0))
    process.stdout.write(helpText());
  else if (name === undefined) {
    process.stderr.write(helpText());
    process.exitCode = NO_VERDICT;
  } else if (name === "help") await call(after[0], ["--help"]);
  else await call(name, [...before, ...after]);
}

async function call(name: string, args: readonly string[]): Promise<void> {
  const names = Object.keys(COMMANDS);
  if (!names.includes(name)) throw new UserError(`unknown command "${name}"${hint(name, names)}`);
  const [{ load }, { runCommand }] = await Promise.all([import("./load.ts"), import("./command.ts")]);
  await runCommand(await load[name as CommandName](), args);
}
