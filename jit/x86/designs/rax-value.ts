import { OWN_STORE } from "../../../bpf/image.ts";
import { MAX_TAIL_CALL_CNT, type TailCallDesign } from "../design.ts";
import { ADD, CMP, opRegImm, opRegReg, XOR } from "../encode/alu.ts";
import { JAE, nops, pop, push } from "../encode/control.ts";
import { loadFrame, storeFrame } from "../encode/memory.ts";
import type { Fn } from "../fn.ts";
import { RAX, RBP } from "../regs.ts";

/** The count is the upper half of the pushed rax, so eax travels in bits 63:32 of what a callee is handed. */
const countSlot = (f: Fn): number => -4 - f.depth;

/**
 * 5.10 to 6.11 (ebf7f6f0a6cd changed only the comparison): eax by value. Every frame keeps its own copy, so what a subprogram
 * counts is lost when it returns.
 */
export const raxValue: TailCallDesign = {
  name: "rax-value",
  about: "eax carries the count by value; each frame has its own copy",
  landing: 11,

  enter(f) {
    if (f.input.tailCallReachable && !f.input.isSubprog) {
      f.c.note("tail_call_cnt = 0");
      opRegReg(f.c, XOR, false, RAX, RAX); // 31 c0
    } else nops(f.c, 2); // 66 90
  },
  keep(f) {
    f.c.note("tail_call_cnt");
    push(f.c, RAX); // 50
    f.slots.push({ kind: "count", name: "tcc", high: true });
  },
  beforeCall(f) {
    f.c.note("tail_call_cnt for the callee");
    loadFrame(f.c, true, RAX, RBP, -8 - f.depth); // 48 8b 85
  },
  check(f, out) {
    f.c.note("tail_call_cnt >= 33?");
    loadFrame(f.c, false, RAX, RBP, countSlot(f)); // 8b 85
    opRegImm(f.c, CMP, false, RAX, MAX_TAIL_CALL_CNT, false); // 83 f8 21
    out.jump(JAE);
    f.c.note("tail_call_cnt++, even if the slot turns out empty");
    opRegImm(f.c, ADD, false, RAX, 1); // 83 c0 01
    storeFrame(f.c, false, RBP, countSlot(f), RAX); // 89 85
    f.c.mark(OWN_STORE);
  },
  drop(f) {
    f.c.note("tail_call_cnt for the callee");
    pop(f.c, RAX); // 58
  },
};
