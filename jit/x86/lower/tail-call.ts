import { POKED } from "../../../bpf/image.ts";
import { JitError } from "../../error.ts";
import type { OutJumps } from "../design.ts";
import { ADD, opRegImm, opRegReg, TEST } from "../encode/alu.ts";
import { JBE, JE, jccForward, jmp32, land, land32, nops } from "../encode/control.ts";
import { cmpMemReg, load, loadScaled8 } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { RCX, RDX, RSI } from "../regs.ts";
import { indirectJump } from "./branch.ts";

/** Bytes of a patch site: nop5, or jmp or call rel32. */
export const PATCH_SIZE = 5;

/** Bytes from bpf_func to where a tail call lands. */
export function landingOffset({ design, profile }: Fn): number {
  const { landing } = design;
  return (typeof landing === "number" ? landing : landing(profile)) + (profile.features.ibt ? 4 : 0);
}

class Out implements OutJumps {
  readonly #f: Fn;
  readonly #from: number[] = [];

  constructor(f: Fn) {
    this.#f = f;
  }

  jump(cond: number): void {
    this.#from.push(jccForward(this.#f.c, cond));
  }

  here(): void {
    for (const from of this.#from) land(this.#f.c, from);
  }
}

/**
 * bpf_tail_call(rdi = ctx, rsi = struct bpf_array, rdx = index) through the map: out of range, too many or an empty slot
 * falls through to the next instruction (emit_bpf_tail_call_indirect).
 */
export function tailCallIndirect(f: Fn, slot: number): void {
  const { c, design } = f;
  const scratch = design.scratch ?? RCX;
  const start = c.pos;
  const out = new Out(f);

  (design.bounds ?? bounds)(f, out);
  design.check(f, out);
  (design.lookup ?? lookup)(f, out);
  design.count?.(f);
  f.frame.leave(f);
  c.note("prog->bpf_func, past the start of its prologue");
  load(c, 8, scratch, scratch, f.profile.offsets.bpfFunc); // 48 8b 49 ..
  opRegImm(c, ADD, true, scratch, landingOffset(f)); // 48 83 c1 ..
  indirectJump(f, scratch);

  out.here();
  f.tailCalls.push({ insn: slot, kind: "indirect", start, out: c.pos });
}

function bounds(f: Fn, out: OutJumps): void {
  const { c } = f;
  c.note("the index is 32 bits wide");
  movRegReg(c, false, RDX, RDX); // 89 d2
  c.note("index >= max_entries?");
  cmpMemReg(c, false, RSI, f.profile.offsets.maxEntries, RDX); // 39 56 ..
  out.jump(JBE);
}

function lookup(f: Fn, out: OutJumps): void {
  const { c } = f;
  const scratch = f.design.scratch ?? RCX;
  c.note("array->ptrs[index]");
  loadScaled8(c, scratch, RSI, RDX, f.profile.offsets.ptrs); // 48 8b 8c d6
  c.note("empty slot?");
  opRegReg(c, TEST, true, scratch, scratch); // 48 85 c9
  out.jump(JE);
}

/**
 * A tail call whose slot is known at compile time, patched when the slot changes: `bypass` jumps over the call while the slot
 * is empty, `target` jumps to the callee when it is set (emit_bpf_tail_call_direct).
 */
export function tailCallDirect(f: Fn, slot: number, index: number): void {
  const { c, design } = f;
  const poke = f.input.pokes[index];
  if (!poke) throw new JitError(`${f.input.name}: no poke descriptor ${index}`, slot);
  const start = c.pos;
  const out = new Out(f);

  design.check(f, out);
  let bypass: number | undefined;
  if (!design.singlePoke) {
    bypass = c.pos;
    c.note("bypass: over the tail call while the slot is empty");
    jmp32(c, 0); // e9 .. -> out
    c.mark(POKED);
  }
  design.count?.(f);
  f.frame.leave(f);
  const target = c.pos;
  c.note("target: jmp to the callee once the slot is set");
  nops(c, PATCH_SIZE); // 0f 1f 44 00 00
  c.mark(POKED);

  out.here();
  if (bypass !== undefined) land32(c, bypass + PATCH_SIZE);
  f.tailCalls.push({ insn: slot, kind: "direct", start, out: c.pos });
  f.pokes.push({ insn: slot, map: poke.map, key: poke.key, bypass, target, adjust: landingOffset(f) });
}
