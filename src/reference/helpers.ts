import { ExecutionFault } from "../../bpf/interpreter/fault.ts";
import { type HelperSteps, type HelperTable, UnknownHelper } from "../../bpf/interpreter/runnable.ts";
import { RSP } from "../../emulator/engine.ts";
import type { HostSteps } from "../../emulator/host.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import { GuestFault } from "../../emulator/memory.ts";

/** Bytes of kernel stack that callers of a helper have taken: where some helpers keep a variable for a callback. */
const CALLERS = 1024n;

/** The modelled kernel's functions, for the interpreter to call by their symbols. */
export function helperTable({ machine }: Kernel): HelperTable {
  return {
    call(helper, args) {
      if (helper === "bpf_throw") return throwing(args[0]);
      if (typeof helper === "number" || !machine.host.has(helper)) throw new UnknownHelper(helper);
      machine.engine.regs[RSP] = machine.task.stackHigh - CALLERS;
      const result = guarded(helper, () => machine.host.call(helper, args));
      return typeof result === "bigint" ? BigInt.asUintN(64, result) : stepping(helper, result);
    },
  };
}

function* throwing(cookie: bigint): HelperSteps {
  yield { throw: cookie };
  return 0n;
}

function* stepping(name: string, steps: HostSteps): HelperSteps {
  for (let next = guarded(name, () => steps.next(0n)); ; ) {
    if (next.done) return BigInt.asUintN(64, next.value);
    if ("jump" in next.value) throw new ExecutionFault("helper", `${name} leaves for machine code`);
    const value = yield next.value;
    next = guarded(name, () => steps.next(value));
  }
}

function guarded<T>(name: string, what: () => T): T {
  try {
    return what();
  } catch (error) {
    if (error instanceof GuestFault) throw new ExecutionFault("memory", `${name} faults: ${error.message}`);
    throw error;
  }
}
