import * as O from "../../opcode.ts";
import { isMayGoto } from "../cfg.ts";
import type { KInsn } from "../env.ts";
import { pushState } from "./alu.ts";
import { previousVisit, widen } from "./loops.ts";
import { joined, markPrecise } from "./precision.ts";
import { AT_PKT_END, BEYOND_PKT_END, isAnyPacketPointer, isNotNull, isPointer, type Reg, scalarReg } from "./reg.ts";
import { fail, frame, type Run, use } from "./run.ts";
import { flip } from "./scalar/compare.ts";
import { constantValue, isConstantIn, isZero, type Prediction } from "./scalar/domain.ts";
import { copyState, current, isSpilled, mapRegs, type State } from "./state.ts";

/** is_pkt_ptr_branch_taken */
function predictPacket(op: number, a: Reg, b: Reg): Prediction {
  let pkt = a;
  if (b.type !== "packet_end") {
    if (a.type !== "packet_end") return -1;
    pkt = b;
    op = flip[op];
  }
  if (pkt.range >= 0) return -1;
  const beyond = pkt.range === BEYOND_PKT_END;
  if ((op === O.BPF_JLE || op === O.BPF_JGT) && beyond) return op === O.BPF_JGT ? 1 : 0;
  if ((op === O.BPF_JLT || op === O.BPF_JGE) && (beyond || pkt.range === AT_PKT_END)) return op === O.BPF_JGE ? 1 : 0;
  return -1;
}

/** is_branch_taken */
function predict(run: Run, op: number, is32: boolean, a: Reg, b: Reg, same: boolean): Prediction {
  if (isAnyPacketPointer(a) && isAnyPacketPointer(b) && !is32) return predictPacket(op, a, b);
  if (!isPointer(a) && !isPointer(b)) return run.S.predict(op, is32, a.value, b.value, same);
  if (is32) return -1;
  const [ptr, scalar] = isPointer(b) ? [b, a] : [a, b];
  if (isPointer(scalar) || !isConstantIn(scalar.value, is32) || !isNotNull(ptr)) return -1;
  if (constantValue(scalar.value, is32) !== 0n) return -1;
  return op === O.BPF_JEQ ? 0 : op === O.BPF_JNE ? 1 : -1;
}

/** Registers and spills of the same id as one that was just refined follow it (sync_linked_regs, find_equal_scalars). */
function syncLinked(run: Run, state: State, known: Reg, live: number): void {
  if (known.type !== "scalar" || !known.id) return;
  const deltas = run.env.kernel.linkedDelta !== "none";
  const follow = (r: Reg): Reg => {
    if (r === known || r.type !== "scalar" || r.id !== known.id) return r;
    if (r.addConst && known.addConst && r.addConst !== known.addConst) return r;
    const dep = joined(r.dep, known.dep);
    if (!deltas || (!r.addConst && !known.addConst) || r.delta === known.delta) return { ...known, dep };
    const is32 = r.addConst === 32 || known.addConst === 32;
    const value = run.S.addDelta(known.value, BigInt(r.delta - known.delta), is32);
    return { ...r, value, dep };
  };
  const { linkedLiveOnly } = run.env.kernel;
  state.frames.forEach((f, n) => {
    const last = n === state.frames.length - 1;
    const mask = !linkedLiveOnly ? 0x3ff : last ? live : run.liveRegs[state.frames[n + 1].callSite];
    for (let r = 0; r < 10; r++) if (mask & (1 << r)) f.regs[r] = follow(f.regs[r]);
    f.stack.forEach((slot, i) => {
      if (!isSpilled(slot)) return;
      const reg = follow(slot.reg);
      if (reg !== slot.reg) f.stack[i] = { ...slot, reg };
    });
  });
}

/** mark_ptr_or_null_regs: all copies of a pointer that was compared with NULL. */
function settleNull(run: Run, state: State, id: number, isNull: boolean): void {
  mapRegs(state, (r) => {
    if (!r.maybeNull || r.id !== id) return r;
    return isNull ? scalarReg(run.S.constant(0n)) : { ...r, maybeNull: false, id: 0 };
  });
}

/** find_good_pkt_pointers: everything derived from this packet pointer may access what was compared with the end. */
function extendRange(state: State, ptr: Reg, open: boolean): void {
  const { umax } = ptr.value;
  if (ptr.off < 0 || (ptr.off === 0 && open)) return;
  if (umax > 0xffffn || umax + BigInt(ptr.off) > 0xffffn) return;
  // the fixed offset counts; the variable one is the same for all of the same id
  const range = ptr.off + (open ? 1 : 0);
  mapRegs(state, (r) => (r.type === ptr.type && r.id === ptr.id ? { ...r, range: Math.max(r.range, range) } : r));
}

/** mark_pkt_end */
function markEnd(state: State, regno: number, open: boolean): void {
  const { regs } = current(state);
  if (regs[regno].type === "packet") regs[regno] = { ...regs[regno], range: open ? BEYOND_PKT_END : AT_PKT_END };
}

const isFresh = (r: Reg): boolean => r.type === "packet" && r.id === 0 && r.off === 0 && isZero(r.value);

/** try_match_pkt_pointers() */
function matchPacket(insn: KInsn, a: Reg, b: Reg, fall: State, taken: State): boolean {
  if (!O.isX(insn.code) || O.classOf(insn.code) === O.BPF_JMP32) return false;
  const op = O.opOf(insn.code);
  const left = (a.type === "packet" && b.type === "packet_end") || (a.type === "packet_meta" && isFresh(b));
  const right = (a.type === "packet_end" && b.type === "packet") || (isFresh(a) && b.type === "packet_meta");
  if (!left && !right) return false;
  const [ptr, regno] = left ? [a, insn.dst] : [b, insn.src];
  const by = left ? op : flip[op];
  // the branch in which ptr is not beyond the end, and whether it may be at the end
  switch (by) {
    case O.BPF_JGT:
      extendRange(fall, ptr, false);
      markEnd(taken, regno, true);
      return true;
    case O.BPF_JLT:
      extendRange(taken, ptr, true);
      markEnd(fall, regno, false);
      return true;
    case O.BPF_JGE:
      extendRange(fall, ptr, true);
      markEnd(taken, regno, false);
      return true;
    case O.BPF_JLE:
      extendRange(taken, ptr, false);
      markEnd(fall, regno, true);
      return true;
    default:
      return false;
  }
}

function mayGoto(run: Run, insn: KInsn): void {
  // the parent is the checkpoint of this very visit
  const previous = previousVisit(run, run.at, run.state.parent);
  const next = copyState(run.state);
  next.mayGotoDepth++;
  if (previous) widen(run, previous, next);
  pushState(run, next, run.at + 1);
  run.at += insn.off + 1;
}

/** Scalars that are compared: both branches learn from it. */
function refine(run: Run, insn: KInsn, is32: boolean, a: Reg, b: Reg, taken: State): void {
  const x = O.isX(insn.code);
  const same = x && insn.dst === insn.src;
  const refined = run.S.refine(O.opOf(insn.code), is32, a.value, b.value, same);
  const dep = joined(a.dep, b.dep);
  const sides: [State, [typeof a.value, typeof a.value]][] = [
    [run.state, refined.fallthrough],
    [taken, refined.taken],
  ];
  for (const [state, [va, vb]] of sides) {
    const { regs } = current(state);
    regs[insn.dst] = { ...regs[insn.dst], value: va, dep };
    if (x) regs[insn.src] = { ...regs[insn.src], value: vb, dep };
  }
}

function syncBoth(run: Run, insn: KInsn, taken: State): void {
  const live = run.liveRegs[run.at] | 0;
  for (const regno of O.isX(insn.code) ? [insn.src, insn.dst] : [insn.dst])
    for (const state of [run.state, taken]) syncLinked(run, state, current(state).regs[regno], live);
}

/** A pointer that equals one that is not NULL is not NULL. */
function settleEqualPointers(run: Run, insn: KInsn, a: Reg, b: Reg, taken: State): void {
  const op = O.opOf(insn.code);
  const eq = op === O.BPF_JEQ ? taken : op === O.BPF_JNE ? run.state : null;
  if (!eq || a.type === "btf" || b.type === "btf" || a.maybeNull === b.maybeNull) return;
  const { regs } = current(eq);
  const regno = a.maybeNull ? insn.dst : insn.src;
  regs[regno] = { ...regs[regno], maybeNull: false };
}

/** check_cond_jmp_op(): sets run.at to where this path goes on. */
export function checkBranch(run: Run, insn: KInsn): void {
  const op = O.opOf(insn.code);
  if (isMayGoto(insn.code)) {
    if (run.env.kernel.mayGoto === "none") fail(run, `unknown opcode ${insn.code.toString(16)}`);
    return mayGoto(run, insn);
  }
  if (op > O.BPF_JSLE || !flip[op]) fail(run, `invalid BPF_JMP/JMP32 opcode ${op.toString(16)}`);
  const x = O.isX(insn.code);
  if (x ? insn.imm : insn.src) fail(run, "BPF_JMP/JMP32 uses reserved fields");
  const is32 = O.classOf(insn.code) === O.BPF_JMP32;
  const a = use(run, insn.dst);
  const b = x ? use(run, insn.src) : scalarReg(run.S.constant(BigInt(insn.imm)));
  const by = predict(run, op, is32, a, b, x && insn.dst === insn.src);
  if (by >= 0) {
    if (!isPointer(a)) markPrecise(a.dep);
    if (!isPointer(b)) markPrecise(b.dep);
    run.at += by ? insn.off + 1 : 1;
    return;
  }
  const taken = copyState(run.state);
  const to = run.at + insn.off + 1;
  if (a.type === "scalar" && b.type === "scalar") {
    refine(run, insn, is32, a, b, taken);
    syncBoth(run, insn, taken);
  }
  if (x && !is32 && isPointer(a) && isPointer(b)) settleEqualPointers(run, insn, a, b, taken);
  const equality = op === O.BPF_JEQ || op === O.BPF_JNE;
  if (!is32 && equality && a.maybeNull && !isPointer(b) && isZero(b.value)) {
    settleNull(run, run.state, a.id, op === O.BPF_JNE);
    settleNull(run, taken, a.id, op === O.BPF_JEQ);
  } else matchPacket(insn, frame(run).regs[insn.dst], x ? frame(run).regs[insn.src] : b, run.state, taken);
  pushState(run, taken, to);
  run.at++;
}
