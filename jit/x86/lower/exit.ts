import { branchHistoryFence, pop, push } from "../encode/control.ts";
import type { Fn } from "../fn.ts";
import { RAX, RCX } from "../regs.ts";
import { emitReturn } from "./branch.ts";
import { jumpBy } from "./jump.ts";

/** What a classic filter of the unprivileged taught the branch predictor is forgotten (emit_spectre_bhb_barrier). */
function clearBranchHistory(f: Fn): void {
  const { c } = f;
  const { clearBhbLoop, ibhf } = f.profile.features;
  if (clearBhbLoop) {
    c.note("clear_bhb_loop clobbers eax and ecx");
    push(c, RAX); // 50
    push(c, RCX); // 51
    f.lower.emitCall(f, f.symbol("clear_bhb_loop")); // e8
    pop(c, RCX); // 59
    pop(c, RAX); // 58
  }
  if (!ibhf) return;
  c.note("indirect branch history fence; a nop where it isn't known");
  branchHistoryFence(c); // f3 48 0f 1e f8
}

/** The first exit is the epilogue; later ones jump to it. */
export function lowerExit(f: Fn, slot: number): void {
  if (f.exitSeen) return jumpBy(f, f.epilogue - f.ends[slot + 1], slot);
  f.exitSeen = true;
  f.epilogue = f.c.pos;
  if (f.input.classic && f.input.unprivileged) clearBranchHistory(f);
  f.frame.restore(f);
  emitReturn(f);
}
