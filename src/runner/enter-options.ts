import type { Scenario, Step } from "../scenario/scenario.ts";
import type { World } from "./build.ts";
import { buildContext } from "./context.ts";
import { argumentsOf } from "./kernel-functions.ts";
import type { EnterOptions } from "./session.ts";

/** Instructions that a run may take unless the scenario says otherwise. */
export const BUDGET = 10_000_000;
/** MAX_TAIL_CALL_CNT: the first tail call past it ends a run. */
export const LIMIT = 33;

/**
 * How a step's program is entered, with what it is handed built anew; for a program that is attached to a function of the kernel, how that
 * is called.
 */
export function enterOptions(
  { kernel, programs }: World,
  { budget }: Pick<Scenario, "budget">,
  { program, context }: Extract<Step, { kind: "run" }>,
): EnterOptions {
  const { entry, type, traces } = programs.get(program)!;
  const limits = { budget: budget ?? BUDGET, tailCallLimit: LIMIT };
  if (!traces) return { entry, context: buildContext(kernel, type, context), ...limits };
  const given = context?.kind === "args" ? context.args : undefined;
  return { entry: traces.func.entry, context: 0n, args: argumentsOf(kernel, traces.fn, given), ...limits };
}
