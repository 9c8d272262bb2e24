import { isMayGoto } from "../cfg.ts";
import { dependency, markPrecise, markRead } from "./precision.ts";
import { isPacketPointer, type Reg } from "./reg.ts";
import { auxAt, fail, insnAt, type Run } from "./run.ts";
import { isWithin } from "./scalar/domain.ts";
import {
  type Checkpoint,
  EMPTY_SLOT,
  type Frame,
  INVALID,
  isSpilled,
  MISC,
  type Slot,
  SPILL,
  type State,
  ZERO,
} from "./state.ts";

/** How states are compared (enum exact_level): imprecise scalars ignored, every value within the old one, or the same. */
type Exactness = "precise" | "within" | "same";

/** Pairs of ids that stand for each other (check_ids). */
type IdMap = Map<number, number>;

function sameId(old: number, cur: number, ids: IdMap): boolean {
  if (!old !== !cur) return false;
  if (!old) return true;
  const known = ids.get(old);
  if (known !== undefined) return known === cur;
  for (const other of ids.values()) if (other === cur) return false;
  ids.set(old, cur);
  return true;
}

/** check_scalar_ids: an id of its own stands for no id. */
function sameScalarId(run: Run, old: number, cur: number, ids: IdMap): boolean {
  return sameId(old || ++run.ids, cur || ++run.ids, ids);
}

function sameScalar(run: Run, old: Reg, cur: Reg, exact: Exactness, ids: IdMap): boolean {
  if (exact === "precise" && !old.dep?.precise) return true;
  if (old.addConst !== cur.addConst || (old.addConst && old.delta !== cur.delta)) return false;
  if (exact === "same")
    return isWithin(old.value, cur.value) && isWithin(cur.value, old.value) && sameId(old.id, cur.id, ids);
  return isWithin(old.value, cur.value) && sameScalarId(run, old.id, cur.id, ids);
}

/** regsafe(): whatever goes well with the old register goes well with this one. */
function sameReg(run: Run, old: Reg, cur: Reg, exact: Exactness, ids: IdMap): boolean {
  if (old === cur) return true;
  if (old.type === "not_init") return exact !== "same" || cur.type === "not_init";
  if (old.type !== cur.type || old.maybeNull !== cur.maybeNull) return false;
  if (old.type === "scalar") return sameScalar(run, old, cur, exact, ids);
  if (old.off !== cur.off || !sameId(old.id, cur.id, ids)) return false;
  if (old.map !== cur.map || old.struct !== cur.struct || old.trust !== cur.trust) return false;
  if (old.frame !== cur.frame || old.subprog !== cur.subprog || old.memSize !== cur.memSize) return false;
  if (isPacketPointer(old)) {
    const open = old.range < 0 || cur.range < 0;
    if (open ? old.range !== cur.range : old.range > cur.range) return false;
  }
  return isWithin(old.value, cur.value) && (exact !== "same" || isWithin(cur.value, old.value));
}

/** stacksafe() for one slot. */
function sameSlot(run: Run, old: Slot, cur: Slot, exact: Exactness, ids: IdMap): boolean {
  if (exact !== "same" && !(exact === "within" || old.live?.read)) return true;
  const uninit = run.env.kernel.allowUninitStack;
  for (let i = 0; i < 8; i++) {
    const [was, is] = [old.types[i], cur.types[i]];
    if (was === INVALID || (uninit && was === MISC)) continue;
    if (was === MISC && is === ZERO) continue;
    if (was !== is) return false;
    if (i === 7 && was === SPILL && !sameReg(run, old.reg!, cur.reg!, exact, ids)) return false;
  }
  return true;
}

function sameFrame(run: Run, old: Frame, cur: Frame, live: number, exact: Exactness, ids: IdMap): boolean {
  if (old.subprog !== cur.subprog || old.callbackDepth > cur.callbackDepth) return false;
  for (let r = 0; r < 10; r++) {
    if (exact !== "same" && !(live & (1 << r))) continue;
    if (!sameReg(run, old.regs[r], cur.regs[r], exact, ids)) return false;
  }
  return old.stack.every((slot, i) => sameSlot(run, slot, cur.stack[i] ?? EMPTY_SLOT, exact, ids));
}

function sameState(run: Run, old: Checkpoint, cur: State, exact: Exactness): boolean {
  if (old.frames.length !== cur.frames.length) return false;
  if (old.rcuLocks !== cur.rcuLocks || old.preemptLocks !== cur.preemptLocks) return false;
  const ids: IdMap = new Map();
  for (let n = cur.frames.length - 1; n >= 0; n--) {
    if (old.frames[n].callSite !== cur.frames[n].callSite) return false;
    const top = n === cur.frames.length - 1;
    // a caller goes on after its call, with R0 to R5 new
    const live = top ? run.liveRegs[run.at] : run.liveRegs[cur.frames[n + 1].callSite + 1] & ~0x3f;
    const callback = cur.frames[n + 1]?.callback ? 0x3ff : 0;
    if (!sameFrame(run, old.frames[n], cur.frames[n], live | callback, exact, ids)) return false;
  }
  return true;
}

/** What the old state's future needed, this one's past must keep (propagate_precision, propagate_liveness). */
function inherit(old: Checkpoint, cur: State): void {
  old.frames.forEach((f, n) => {
    const now = cur.frames[n];
    f.regs.forEach((r, i) => {
      if (r.dep?.precise) markPrecise(now.regs[i].dep);
    });
    f.stack.forEach((slot, i) => {
      const to = now.stack[i];
      if (!to || !slot.live?.read) return;
      markRead(to.live);
      if (slot.reg?.dep?.precise) markPrecise(to.reg?.dep ?? null);
    });
  });
}

/** From here on this state and its copy in the checkpoint tell precision and reads apart from what comes later. */
function checkpoint(run: Run): Checkpoint {
  const { state } = run;
  const watch = (r: Reg): Reg => (r.type === "scalar" ? { ...r, dep: dependency(r.dep) } : r);
  for (const f of state.frames) {
    f.regs = f.regs.map(watch);
    f.stack = f.stack.map((slot) => ({
      ...slot,
      reg: isSpilled(slot) ? watch(slot.reg) : slot.reg,
      live: { read: false, parent: slot.live },
    }));
  }
  const saved: Checkpoint = {
    ...state,
    frames: state.frames.map((f) => ({ ...f, regs: f.regs.slice(), stack: f.stack.slice() })),
    at: run.at,
    branches: 1,
    looping: false,
    hits: 0,
    misses: 0,
  };
  state.parent = saved;
  return saved;
}

/** A loop was closed at `entry`: states between there and here are compared by value from now on. */
function markLoop(run: Run, entry: Checkpoint): void {
  for (let c = run.state.parent; c; c = c.parent) {
    c.looping = true;
    if (c === entry) break;
  }
  entry.looping = true;
}

/** A state on this very path that is met again. */
function closesLoop(run: Run, old: Checkpoint, callsBack: boolean): boolean {
  if (isMayGoto(insnAt(run).code)) {
    if (old.mayGotoDepth === run.state.mayGotoDepth || !sameState(run, old, run.state, "within")) return false;
    markLoop(run, old);
    return true;
  }
  if (callsBack) {
    if (!sameState(run, old, run.state, "within")) return false;
    markLoop(run, old);
    return true;
  }
  const unrolled = old.mayGotoDepth !== run.state.mayGotoDepth || old.callbackUnroll !== run.state.callbackUnroll;
  if (!unrolled && sameState(run, old, run.state, "same"))
    fail(run, `infinite loop detected at insn ${run.env.aux[run.at].origin}`);
  return false;
}

/** is_state_visited(): true when this path need not be followed further. Keeps the state to compare with, now and then. */
export function isVisited(run: Run): boolean {
  const { forceCheckpoint } = auxAt(run);
  const list = run.explored.get(run.at) ?? [];
  for (let i = 0; i < list.length; i++) {
    const old = list[i];
    // paths are followed depth first: one that is not finished is this one
    const finished = old.branches === 0;
    if (!finished && closesLoop(run, old, forceCheckpoint)) return true;
    if (finished && sameState(run, old, run.state, old.looping ? "within" : "precise")) {
      old.hits++;
      inherit(old, run.state);
      if (old.looping) for (let c = run.state.parent; c; c = c.parent) c.looping = true;
      return true;
    }
    // what is rarely met again is not worth comparing with
    const patience = forceCheckpoint && !finished ? 64 : 3;
    if (++old.misses > old.hits * patience + patience) list.splice(i--, 1);
  }
  const enough = run.jumps - run.lastJumps >= 2 && run.processed - run.lastProcessed >= 8;
  if (!enough && !forceCheckpoint) return false;
  run.lastJumps = run.jumps;
  run.lastProcessed = run.processed;
  list.push(checkpoint(run));
  run.explored.set(run.at, list);
  return false;
}

/** A path ended: checkpoints with no path left are complete. */
export function endPath(run: Run): void {
  for (let c = run.state.parent; c && --c.branches === 0; c = c.parent);
}
