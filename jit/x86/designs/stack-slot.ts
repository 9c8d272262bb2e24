import { OWN_STORE } from "../../../bpf/image.ts";
import type { Frame, TailCallDesign } from "../design.ts";
import { ADD, CMP, opRegImm } from "../encode/alu.ts";
import { JA, leave, pop, push, pushImm8, subRsp } from "../encode/control.ts";
import { loadFrame, storeFrame } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import { type Fn, limitOf } from "../fn.ts";
import { CALLEE_SAVED, RAX, RBP, RBX, REG_NAMES, RSP } from "../regs.ts";

/** The verifier gives every program with a tail call 512 bytes of stack, so that all of them have the same frame. */
const MAX_BPF_STACK = 512;
/** The upper half of the quadword below the BPF stack and four saved registers. */
const COUNT = -36 - MAX_BPF_STACK;

/**
 * Frame of 4.17 to 5.9: all callee-saved registers, whether used or not, then the count. Tail calls land behind all of it and
 * leave nothing: the callee goes on in the caller's frame.
 */
const pushedFrame: Frame = {
  make(f) {
    const { c, input } = f;
    push(c, RBP); // 55
    movRegReg(c, true, RBP, RSP); // 48 89 e5
    c.note(`BPF stack, ${input.stackDepth} bytes used`);
    subRsp(c, f.depth); // 48 81 ec, even for nothing
    for (const reg of CALLEE_SAVED) {
      push(c, reg); // 53, 41 55, 41 56, 41 57
      f.slots.push({ kind: "saved", name: REG_NAMES[reg] });
    }
    if (input.classic) return;
    c.note("tail_call_cnt = 0");
    pushImm8(c, 0); // 6a 00
    f.slots.push({ kind: "count", name: "tcc", high: true });
  },
  restore(f) {
    const { c } = f;
    if (!f.input.classic) {
      c.note("tail_call_cnt");
      pop(c, RBX); // 5b
    }
    for (const reg of [...CALLEE_SAVED].reverse()) pop(c, reg); // 41 5f, 41 5e, 41 5d, 5b
    leave(c); // c9
  },
  leave() {},
};

/** Jump out at the limit, count otherwise, whether or not the slot turns out empty; `slot` is relative to rbp. */
export function countInSlot(f: Fn, out: { jump(cond: number): void }, slot: number): void {
  const { c } = f;
  c.note("tail_call_cnt > 32?");
  loadFrame(c, false, RAX, RBP, slot); // 8b 85
  opRegImm(c, CMP, false, RAX, limitOf(f) - 1, false); // 83 f8 20
  out.jump(JA);
  c.note("tail_call_cnt++, even if the slot turns out empty");
  opRegImm(c, ADD, false, RAX, 1); // 83 c0 01
  storeFrame(c, false, RBP, slot, RAX); // 89 85
  c.mark(OWN_STORE);
}

/** 5.4: the prologue is 20 bytes long (PROLOGUE_SIZE), and a tail call skips it whole. */
export const stackSlot: TailCallDesign = {
  name: "stack-slot",
  about: "the count is at a fixed place in the one 512-byte frame that all tail-called programs share",
  landing: 20,
  scratch: RAX,
  frame: pushedFrame,
  check: (f, out) => countInSlot(f, out, COUNT),
};

/** 5.5 to 5.9: a patch site in front makes it 25, and direct tail calls are jumps that are patched. */
export const stackSlotPoked: TailCallDesign = {
  ...stackSlot,
  name: "stack-slot-poked",
  about: "stack-slot with a patch site at the entry; direct tail calls are patched jumps (5.5 to 5.9)",
  landing: 25,
  singlePoke: true,
};
