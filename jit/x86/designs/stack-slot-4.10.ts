import type { Frame, TailCallDesign } from "../design.ts";
import { CMP, opRegImm, opRegReg, XOR } from "../encode/alu.ts";
import { JBE, JE, leave, push, subRsp } from "../encode/control.ts";
import { leaScaled8, load, loadFrame, loadPlain, storeFrame } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import { CALLEE_SAVED, RAX, RBP, RDX, REG_NAMES, RSI, RSP } from "../regs.ts";
import { countInSlot } from "./stack-slot.ts";

const MAX_BPF_STACK = 512;
/** And four saved registers, and 8 bytes: a buffer for skb_copy_bits(), of which the upper half is the count. */
const STACKSIZE = MAX_BPF_STACK + 32 + 8;
const BUFFER = -STACKSIZE + 32;

const slotOf = (index: number): number => -STACKSIZE + 8 * index;

/** The frame before 4.12: 512 bytes whatever the program needs, registers saved by mov. */
const fixedFrame: Frame = {
  make(f) {
    const { c } = f;
    f.depth = MAX_BPF_STACK;
    push(c, RBP); // 55
    movRegReg(c, true, RBP, RSP); // 48 89 e5
    c.note("BPF stack, saved registers, tail_call_cnt");
    subRsp(c, STACKSIZE); // 48 81 ec
    CALLEE_SAVED.forEach((reg, i) => {
      c.note(`the caller's ${REG_NAMES[reg]}`);
      storeFrame(c, true, RBP, slotOf(i), reg); // 48 89 9d, 4c 89 ad, 4c 89 b5, 4c 89 bd
    });
    opRegReg(c, XOR, false, RAX, RAX); // 31 c0
    c.note("tail_call_cnt = 0");
    storeFrame(c, true, RBP, BUFFER, RAX); // 48 89 85
    f.slots.push({ kind: "count", name: "tcc", high: true });
    for (const reg of [...CALLEE_SAVED].reverse()) f.slots.push({ kind: "saved", name: REG_NAMES[reg] });
  },
  restore(f) {
    CALLEE_SAVED.forEach((reg, i) => {
      f.c.note(`the caller's ${REG_NAMES[reg]}`);
      loadFrame(f.c, true, reg, RBP, slotOf(i)); // 48 8b 9d, 4c 8b ad, 4c 8b b5, 4c 8b bd
    });
    leave(f.c); // c9
  },
  leave() {},
};

/** 4.10: the whole prologue, 48 bytes (PROLOGUE_SIZE), is skipped, and the index is compared in all its 64 bits. */
export const stackSlot410: TailCallDesign = {
  name: "stack-slot-4.10",
  about: "the count is at a fixed place in the 552-byte frame that every program has; tail calls go on in it",
  landing: 48,
  scratch: RAX,
  frame: fixedFrame,

  bounds(f, out) {
    f.c.note("max_entries, and map_flags in the upper half");
    load(f.c, 8, RAX, RSI, f.profile.offsets.maxEntries); // 48 8b 46
    f.c.note("index >= max_entries?");
    opRegReg(f.c, CMP, true, RAX, RDX); // 48 39 d0
    out.jump(JBE);
  },
  check: (f, out) => countInSlot(f, out, BUFFER + 4),
  lookup(f, out) {
    f.c.note("&array->ptrs[index]");
    leaScaled8(f.c, RAX, RSI, RDX, f.profile.offsets.ptrs); // 48 8d 84 d6
    loadPlain(f.c, RAX, RAX); // 48 8b 00
    f.c.note("empty slot?");
    opRegImm(f.c, CMP, true, RAX, 0, false); // 48 83 f8 00
    out.jump(JE);
  },
};
