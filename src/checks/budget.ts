import type { Check } from "./check.ts";

/** A run that uses up its instructions is taken for one that never ends. */
export const budget: Check = {
  name: "budget",
  about: "the program ends within its instruction budget",
  start(context) {
    return {
      stopped(stop) {
        if (stop.kind !== "budget") return false;
        context.report("budget", stop.pc, {
          message: `the program is still running after ${context.machine.engine.icount} instructions`,
          expected: "an end",
          actual: `at ${context.describe(stop.pc)}`,
        });
        return true;
      },
    };
  },
};
