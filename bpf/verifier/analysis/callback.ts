import type { MapDef } from "../../program.ts";
import { pushState } from "./alu.ts";
import { enterFunction } from "./function-call.ts";
import { markPrecise } from "./precision.ts";
import { notInit, pointer, type Reg, scalarReg } from "./reg.ts";
import { frame, type Run } from "./run.ts";
import { copyState, current } from "./state.ts";

/** Arguments that a helper calls back with (set_loop_callback_state, map_set_for_each_callback_args). */
function callbackArguments(run: Run, helper: string, map: MapDef | null): Reg[] {
  const { S } = run;
  const { regs } = frame(run);
  if (helper === "loop") return [scalarReg(S.unknown), regs[3]];
  const zero = S.constant(0n);
  const none = notInit(S.unknown);
  return [
    pointer("map_ptr", zero, { map }),
    pointer("map_key", zero, { map }),
    pointer("map_value", zero, { map }),
    regs[3],
    none,
  ];
}

/**
 * push_callback_call(): follows the callback. True when this path went into it (kernels that follow one call only); otherwise the
 * callback is a path of its own that comes back to the call, and this one goes on after it.
 */
export function beginCallback(run: Run, helper: string, subprog: number, map: MapDef | null): boolean {
  const { env } = run;
  env.subprogs[subprog].isCallback = true;
  const kind = { maxResult: 1 };
  const args = callbackArguments(run, helper, map);
  const start = env.subprogs[subprog].start;
  if (!env.kernel.callbackIterations) {
    enterFunction(run, subprog, args, kind);
    run.at = start;
    return true;
  }
  const caller = frame(run);
  if (helper === "loop") {
    markPrecise(caller.regs[1].dep);
    if (BigInt(caller.callbackDepth) >= caller.regs[1].value.umax) {
      caller.callbackDepth = 0;
      return false;
    }
  }
  const here = run.state;
  const inside = copyState(here);
  current(inside).callbackDepth++;
  inside.callbackUnroll++;
  run.state = inside;
  enterFunction(run, subprog, args, kind);
  run.state = here;
  caller.callbackDepth = 0;
  pushState(run, inside, start);
  return false;
}
