import { RSP, type Stop } from "../../emulator/engine.ts";
import type { Machine } from "../../emulator/machine.ts";
import { PAGE } from "../../emulator/memory.ts";
import { type Check, hex } from "./check.ts";

/** A store into the frames of those who called the program, which are read-only. */
export function intoCallersFrames({ task }: Machine, fault: Extract<Stop, { kind: "fault" }>): boolean {
  if (fault.access !== "write") return false;
  return fault.addr + BigInt(fault.size) > task.stackHigh && fault.addr < task.stackHigh + PAGE;
}

/** The engine guards the stack; this tells what it caught. The run goes on, but for a store that could not be done. */
export const stackBalance: Check = {
  name: "stack-balance",
  about: "nothing is stored below rsp, or over return addresses, saved registers, counts and the caller's frames",
  start(context) {
    return {
      stopped(stop) {
        const { machine } = context;
        if (stop.kind === "fault" && intoCallersFrames(machine, stop)) {
          context.report("stack-balance", stop.pc, {
            message: `${stop.size} bytes are stored into the frames of the program's caller`,
            expected: `a store below ${hex(machine.task.stackHigh)}, where the program was entered`,
            actual: hex(stop.addr),
          });
          return true;
        }
        if (stop.kind !== "stack") return false;
        const { pc, addr, size } = stop;
        const rsp = machine.engine.regs[RSP];
        context.report(
          "stack-balance",
          pc,
          stop.why === "below-rsp"
            ? {
                message: `${size} bytes are stored below the stack pointer`,
                expected: `a store at or above rsp = ${hex(rsp)}`,
                actual: `${hex(addr)}, ${rsp - addr} bytes below`,
              }
            : {
                message: `${size} bytes are stored over what a push or call saved`,
                expected: "a store into the function's own BPF stack",
                actual: `${hex(addr)}, ${addr - rsp} bytes above rsp`,
              },
        );
        return false;
      },
    };
  },
};
