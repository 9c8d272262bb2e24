import { type Check, hex } from "./check.ts";

/** The engine knows where control may arrive and how; this tells where it did instead. */
export const landing: Check = {
  name: "landing",
  about:
    "jumps, calls and returns land only where they may: a function, a landing pad, a return site, inside no instruction",
  start(context) {
    return {
      stopped(stop) {
        if (stop.kind !== "landing") return false;
        context.report("landing", stop.from, {
          message: `control lands at ${context.describe(stop.pc)}, where it may not`,
          expected: "a function's entry, a tail-call landing pad, a return site or a jump target",
          actual: hex(stop.pc),
        });
        return true;
      },
    };
  },
};
