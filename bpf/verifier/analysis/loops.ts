import { type Reg, scalarReg } from "./reg.ts";
import type { Run } from "./run.ts";
import { type Checkpoint, isSpilled, type State } from "./state.ts";

/**
 * find_prev_entry(): the last checkpoint of an earlier visit of this slot, from the same calls, on the way here: paths are followed depth
 * first, so it is one that is not finished. `besides`: not this one.
 */
export function previousVisit(run: Run, at: number, besides: Checkpoint | null = null): Checkpoint | undefined {
  const calls = (s: State) => s.frames.map((f) => f.callSite).join();
  const here = calls(run.state);
  return run.explored.get(at)?.findLast((c) => c !== besides && c.branches > 0 && calls(c) === here);
}

/** maybe_widen_reg: a scalar that changes from one turn to the next, and that nothing was decided by, may be anything. */
function widenReg(run: Run, old: Reg, cur: Reg): Reg {
  if (old.type !== "scalar" || cur.type !== "scalar") return cur;
  if (old.dep?.precise || cur.dep?.precise) return cur;
  const same =
    old.value === cur.value ||
    (old.value.varOff.value === cur.value.varOff.value &&
      old.value.varOff.mask === cur.value.varOff.mask &&
      old.value.umin === cur.value.umin &&
      old.value.umax === cur.value.umax &&
      old.value.smin === cur.value.smin &&
      old.value.smax === cur.value.smax &&
      old.value.u32min === cur.value.u32min &&
      old.value.u32max === cur.value.u32max &&
      old.value.s32min === cur.value.s32min &&
      old.value.s32max === cur.value.s32max);
  return same ? cur : scalarReg(run.S.unknown);
}

/** widen_imprecise_scalars(): so that a loop without an end is followed a few times only. */
export function widen(run: Run, old: State, cur: State): void {
  cur.frames.forEach((f, n) => {
    const before = old.frames[n];
    if (!before) return;
    f.regs.forEach((r, i) => {
      f.regs[i] = widenReg(run, before.regs[i], r);
    });
    f.stack.forEach((slot, i) => {
      const was = before.stack[i];
      if (!isSpilled(slot) || !was || !isSpilled(was)) return;
      const reg = widenReg(run, was.reg, slot.reg);
      if (reg !== slot.reg) f.stack[i] = { ...slot, reg };
    });
  });
}
