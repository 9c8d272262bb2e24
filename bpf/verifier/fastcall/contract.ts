import type { Run } from "../analysis/run.ts";
import { frame } from "../analysis/run.ts";
import type { Frame } from "../analysis/state.ts";

/** S16_MIN */
const NOWHERE = -32768;

/**
 * What uses stack: a store, or a helper that fills it whatever was there; a load at a constant offset, or one that varies; a helper
 * that reads it, or may write to it.
 */
export type StackUse = "write" | "read-fixed" | "read-variable" | "helper";

/** check_fastcall_stack_contract(): a use of the slots from `off` of a frame on by any but the pairs keeps all the pairs of its function. */
export function checkFastcallContract(run: Run, f: Frame, off: number, use: StackUse): void {
  const { fastcall } = run.env.kernel;
  if (!fastcall || fastcall.without === "contract") return;
  if (use === "helper" && !fastcall.strict) return;
  // the kernel looks at the frame of the function that reads, wherever that reads
  const own = fastcall.without === "frames" || (use === "read-fixed" && !fastcall.strict);
  const { subprogs, aux } = run.env;
  const index = (own ? frame(run) : f).subprog;
  const s = subprogs[index];
  if (s.fastcallStackOff <= off || aux[run.at].fastcallPattern) return;
  s.fastcallStackOff = NOWHERE;
  for (let i = s.start; i < subprogs[index + 1].start; i++) {
    aux[i].fastcallPattern = false;
    aux[i].fastcallSpills = 0;
  }
}
