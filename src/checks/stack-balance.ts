import { RSP } from "../../emulator/engine.ts";
import { type Check, hex } from "./check.ts";

/** The engine guards the stack; this tells what it caught. The run goes on. */
export const stackBalance: Check = {
  name: "stack-balance",
  about: "nothing is stored below rsp, or over return addresses, saved registers and counts",
  start(context) {
    return {
      stopped(stop) {
        if (stop.kind !== "stack") return false;
        const { pc, addr, size } = stop;
        const rsp = context.machine.engine.regs[RSP];
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
