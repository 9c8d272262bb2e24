import type { X86Profile } from "../../../jit/profile.ts";
import { UserError } from "../../error.ts";
import { buildContext } from "../../runner/context.ts";
import { BUDGET, LIMIT } from "../../runner/enter-options.ts";
import type { Outcome, Spectator } from "../../runner/session.ts";
import type { ProgramType } from "../../scenario/names.ts";
import { PROGRAM_TYPE_NUMBERS } from "../../scenario/type-numbers.ts";
import { hint } from "../../suggest.ts";
import type { Recognised } from "../recognise/recognise.ts";
import { placeCaller } from "./stubs.ts";
import { buildDumpWorld, type DumpWorld, type DumpWorldOptions } from "./world.ts";

export interface DumpRunOptions extends DumpWorldOptions {
  type: ProgramType;
}

/** Functions that the kernel enters: those that no other of the dump calls or hands on. */
export function entriesOf(functions: readonly Recognised[]): string[] {
  const called = new Set(
    functions.flatMap(({ leaving, constants }) => [
      ...leaving.filter(({ kind }) => kind === "call").map(({ to }) => to),
      ...constants,
    ]),
  );
  const free = functions.filter(
    ({ address, prologue }) =>
      prologue &&
      prologue.role !== "exception-callback" &&
      prologue.role !== "hands-on" &&
      !called.has(address + BigInt(prologue.entry)),
  );
  return (free.length ? free : functions.slice(0, 1)).map(({ name }) => name);
}

/** A function by its symbol, or what follows the tag in it. Throws UserError. */
export function functionNamed(functions: readonly Recognised[], name: string, file: string): string {
  const names = functions.map((fn) => fn.name);
  const found = names.find((known) => known === name) ?? names.find((known) => known.endsWith(`_${name}`));
  return found ?? unknownFunction(name, names, file);
}

function unknownFunction(name: string, names: readonly string[], file: string): never {
  throw new UserError(`has no function "${name}"${hint(name, names)}`, { file });
}

/** Enter a function on a fresh machine, with every contract on. `watch`: sees the run, and the world it is in. */
export function runDumped(
  functions: readonly Recognised[],
  profile: X86Profile,
  entry: string,
  options: DumpRunOptions,
  watch?: (world: DumpWorld, context: bigint) => Spectator,
): Outcome {
  const world = buildDumpWorld(functions, profile, options);
  try {
    const context = buildContext(world.kernel, PROGRAM_TYPE_NUMBERS[options.type], undefined);
    if (watch) world.session.spectator = watch(world, context);
    const found = functions.find(({ name }) => name === entry)!;
    return world.session.enter({
      entry: found.prologue?.role === "hands-on" ? placeCaller(world, found) : world.functions.get(entry)!.entry,
      context,
      budget: BUDGET,
      tailCallLimit: LIMIT,
    });
  } finally {
    world.session.machine.close();
  }
}
