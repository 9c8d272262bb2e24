import { type Check, type CheckContext, hex } from "./check.ts";
import { intoCallersFrames } from "./stack-balance.ts";

const VECTORS: Record<number, string> = {
  0: "#DE, division error",
  3: "#BP, int3",
  6: "#UD, invalid instruction",
  13: "#GP, general protection",
};

/** Faults that no exception table entry fixes up. */
export const fault: Check = {
  name: "fault",
  about: "no access faults and no instruction traps, except where the exception table takes care of it",
  start(context) {
    return {
      stopped(stop) {
        if (stop.kind === "watch") return kernelFunction(context);
        if (stop.kind === "fault") {
          if (intoCallersFrames(context.machine, stop)) return false;
          const what = stop.access === "fetch" ? "an instruction" : `${stop.size} bytes`;
          const why = stop.mapped ? "the page does not allow it" : "nothing is mapped there";
          context.report("fault", stop.from ?? stop.pc, {
            message: `${stop.access} of ${what} at ${hex(stop.addr)} faults: ${why}${stackHint(context.machine, stop.addr)}`,
            expected: "no fault",
            actual: `${stop.access} fault at ${hex(stop.addr)}`,
          });
          return true;
        }
        if (stop.kind !== "exception") return false;
        const vector = VECTORS[stop.vector] ?? `exception ${stop.vector}`;
        context.report("fault", stop.pc, { message: `${vector} is raised`, expected: "no exception", actual: vector });
        return true;
      },
    };
  },
};

/** A kernel function that could not go on with what it was handed; the call is to blame. */
function kernelFunction({ machine, report }: CheckContext): boolean {
  const { fault } = machine.host;
  if (!fault) return false;
  const { symbol, returnAddress, message } = fault;
  report("fault", machine.callSite(returnAddress) ?? machine.symbol(symbol), {
    message: `${symbol} faults: ${message}`,
    expected: "arguments that it can work with",
    actual: message,
  });
  return true;
}

/** Says so when the address is in the guard page below the kernel stack. */
function stackHint(machine: { task: { stackLow: bigint } }, addr: bigint): string {
  const below = machine.task.stackLow - addr;
  return below > 0n && below <= 4096n ? " (the kernel stack has overflowed)" : "";
}
