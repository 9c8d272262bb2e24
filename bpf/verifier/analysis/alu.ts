import * as O from "../../opcode.ts";
import type { KInsn } from "../env.ts";
import { pointerArithmetic } from "./pointer.ts";
import { joined } from "./precision.ts";
import { isPointer, type Reg, scalarReg } from "./reg.ts";
import { fail, frame, linkForCopy, put, putScalar, putUnknown, type Run, unlinked, use } from "./run.ts";
import { constantValue, isConstantIn } from "./scalar/domain.ts";
import { copyState } from "./state.ts";

const width = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);

function checkFields(run: Run, insn: KInsn, op: number, is32: boolean): void {
  const { cpuV4 } = run.env.kernel;
  const x = O.isX(insn.code);
  if (op === O.BPF_NEG && (x || insn.src || insn.off || insn.imm)) fail(run, "BPF_NEG uses reserved fields");
  if (op === O.BPF_END) {
    if (!is32 && !cpuV4) fail(run, `unknown opcode ${insn.code.toString(16)}`);
    if (insn.src || insn.off || ![16, 32, 64].includes(insn.imm) || (!is32 && x))
      fail(run, "BPF_END uses reserved fields");
  } else if (op === O.BPF_MOV) {
    const offs = !x || !cpuV4 ? [0] : is32 ? [0, 8, 16] : [0, 8, 16, 32];
    if (!offs.includes(insn.off) || (x ? insn.imm : insn.src)) fail(run, "BPF_MOV uses reserved fields");
  } else if (op > O.BPF_END) fail(run, `invalid BPF_ALU opcode ${op.toString(16)}`);
  else if (op !== O.BPF_NEG) {
    const signed = insn.off === 1 && cpuV4 && (op === O.BPF_DIV || op === O.BPF_MOD);
    if ((x ? insn.imm : insn.src) || (insn.off && !signed)) fail(run, "BPF_ALU uses reserved fields");
  }
}

function unary(run: Run, insn: KInsn, op: number, is32: boolean): void {
  const r = use(run, insn.dst);
  if (r.type !== "scalar") return putUnknown(run, insn.dst);
  const swap = !is32 || O.isX(insn.code);
  const value =
    op === O.BPF_NEG ? run.S.alu(op, is32, r.value, r.value, false) : run.S.byteOrder(r.value, insn.imm, swap);
  const untouched = op === O.BPF_END && !swap && insn.imm === 64 && value !== run.S.unknown;
  if (untouched) put(run, insn.dst, { ...r, value });
  else putScalar(run, insn.dst, value, r.dep);
}

function move(run: Run, insn: KInsn, is32: boolean): void {
  if (!O.isX(insn.code)) {
    const imm = BigInt(insn.imm);
    return putScalar(run, insn.dst, run.S.constant(is32 ? BigInt.asUintN(32, imm) : imm));
  }
  const source = use(run, insn.src);
  if (source.type !== "scalar") {
    if (is32 || insn.off)
      return put(run, insn.dst, scalarReg(is32 ? run.S.zeroExtend32(run.S.unknown) : run.S.unknown));
    return put(run, insn.dst, source);
  }
  const { umax } = source.value;
  // a copy that keeps the value stays linked to its source
  const same = insn.off ? umax < 1n << BigInt(insn.off - 1) : !is32 || width(umax) <= 32;
  let copy = source;
  if (same && (!is32 || run.env.kernel.noIdForConstants || insn.off)) {
    copy = linkForCopy(run, source);
    frame(run).regs[insn.src] = copy;
  }
  if (!same) copy = unlinked(copy);
  const { S } = run;
  let value = copy.value;
  if (insn.off) value = is32 ? S.signExtend32(value, insn.off / 8) : S.signExtend(value, insn.off / 8);
  else if (is32) value = S.zeroExtend32(value);
  put(run, insn.dst, { ...copy, value });
}

/** maybe_fork_scalars(): a value that is 0 or all ones is followed as each, so that masks made of it stay exact. */
function fork(run: Run, insn: KInsn, dst: Reg, src: Reg): Reg {
  const op = O.opOf(insn.code);
  if (!run.env.kernel.forkScalars || (op !== O.BPF_AND && op !== O.BPF_OR) || src.value.varOff.mask !== 0n) return dst;
  const v = dst.value;
  const whole = v.smin === -1n && v.smax === 0n;
  if (!whole && !(v.s32min === -1 && v.s32max === 0)) return dst;
  const as = (bit: bigint): Reg => ({
    ...unlinked(dst),
    value: whole
      ? run.S.constant(bit)
      : run.S.refine(O.BPF_JEQ, true, v, run.S.constant(BigInt.asUintN(32, bit)), false).taken[0],
  });
  const other = copyState(run.state);
  other.frames[other.frames.length - 1].regs[insn.dst] = as(0n);
  pushState(run, other, run.at);
  return as(-1n);
}

/** push_stack: a path to follow later. */
export function pushState(run: Run, state: Run["state"], at: number): void {
  if (state.parent) state.parent.branches++;
  run.pending.push({ state, at });
  if (run.pending.length > 8192) fail(run, `The sequence of ${run.pending.length} jumps is too complex.`);
}

/** Constant difference to the registers that dst was equal to (BPF_ADD_CONST). */
function linkByDelta(run: Run, insn: KInsn, op: number, is32: boolean, before: Reg, src: Reg): Partial<Reg> | null {
  const mode = run.env.kernel.linkedDelta;
  if (mode === "none" || !before.id || before.addConst || !isConstantIn(src.value, is32)) return null;
  if (op !== O.BPF_ADD && !(op === O.BPF_SUB && mode === "any")) return null;
  if (O.isX(insn.code) && insn.src === insn.dst) return null;
  const value = constantValue(src.value, is32);
  if (mode === "add64") {
    if (is32 || value > 0x7fffffffn) return null;
    return { id: before.id, addConst: 64, delta: Number(value) };
  }
  const signed = BigInt.asIntN(is32 ? 32 : 64, value);
  if (signed < -0x80000000n || signed > 0x7fffffffn || (is32 && before.value.umax > 0xffffffffn)) return null;
  if (op === O.BPF_SUB && signed === -0x80000000n) return null;
  return { id: before.id, addConst: is32 ? 32 : 64, delta: Number(op === O.BPF_SUB ? -signed : signed) };
}

function binary(run: Run, insn: KInsn, op: number, is32: boolean): void {
  const x = O.isX(insn.code);
  const src = x ? use(run, insn.src) : scalarReg(run.S.constant(BigInt(insn.imm)));
  let dst = use(run, insn.dst);
  if (!x && insn.imm === 0 && (op === O.BPF_DIV || op === O.BPF_MOD)) fail(run, "div by zero");
  const shift = op === O.BPF_LSH || op === O.BPF_RSH || op === O.BPF_ARSH;
  if (!x && shift && (insn.imm < 0 || insn.imm >= (is32 ? 32 : 64))) fail(run, `invalid shift ${insn.imm}`);
  if (insn.dst === 10) fail(run, "frame pointer is read only");
  if (isPointer(dst) || isPointer(src)) return pointerArithmetic(run, insn, dst, src);
  dst = fork(run, insn, dst, src);
  const value = run.S.alu(op, is32, dst.value, src.value, insn.off === 1);
  const link = linkByDelta(run, insn, op, is32, dst, src);
  const dep = value === run.S.unknown ? null : joined(dst.dep, src.dep);
  put(run, insn.dst, { ...scalarReg(value, dep), ...link });
}

/** check_alu_op() */
export function checkAlu(run: Run, insn: KInsn): void {
  const op = O.opOf(insn.code);
  const is32 = O.classOf(insn.code) === O.BPF_ALU;
  checkFields(run, insn, op, is32);
  if (op === O.BPF_NEG || op === O.BPF_END) unary(run, insn, op, is32);
  else if (op === O.BPF_MOV) move(run, insn, is32);
  else binary(run, insn, op, is32);
}
