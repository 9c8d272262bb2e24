import { EVENT_PC } from "../../emulator/engine.ts";
import type { Check } from "./check.ts";

/** MAX_TAIL_CALL_CNT */
const LIMIT = 33;
/** Between these a trampoline enters a program from outside. */
const ENTER = "__bpf_prog_enter";
const EXIT = "__bpf_prog_exit";

/** Counts landings; explains the first one past the limit by what happened since the last one within it. */
export const tailCallLimit: Check = {
  name: "tail-call-limit",
  about: `at most ${LIMIT} tail calls are taken per entry from the kernel`,
  start(context) {
    let taken = 0;
    /** of the entries in whose middle a trampoline entered this one */
    const outer: number[] = [];
    let site = 0n;
    let resumed: bigint | undefined;
    return {
      observe(event) {
        if (event.kind === "host") {
          if (event.watched.name.startsWith(ENTER)) {
            outer.push(taken);
            taken = 0;
          } else if (event.watched.name.startsWith(EXIT)) taken = outer.pop() ?? taken;
        } else if (event.kind === "tail") site = event.words[event.at + EVENT_PC];
        else if (event.kind === "resume" && event.watched.func && taken === LIMIT)
          resumed ??= event.words[event.at + EVENT_PC];
        else if (event.kind === "land" && ++taken === LIMIT + 1) {
          const why = resumed
            ? `since the ${LIMIT}rd, a call returned to ${context.describe(resumed)}, whose count did not hear of it`
            : `nothing returned since the ${LIMIT}rd`;
          context.report("tail-call-limit", site, {
            message: `tail call ${taken} of one entry is taken: ${why}`,
            expected: `at most ${LIMIT} tail calls`,
            actual: `${taken}, into ${event.watched.name}`,
          });
        }
      },
      stopped: (stop) => stop.kind === "watch" && taken > LIMIT,
    };
  },
};
