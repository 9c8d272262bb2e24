import { type FrameSlot, OWN_STORE } from "../../../bpf/image.ts";
import type { TailCallDesign } from "../design.ts";
import { CMP, opRegImm, opRegReg, XOR } from "../encode/alu.ts";
import { JA, JAE, jcc8, jmp8, nops, pop, push } from "../encode/control.ts";
import { loadFrame, opMemImm8 } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import { type Fn, limitOf } from "../fn.ts";
import { RAX, RBP, RSP } from "../regs.ts";
import { keepRax } from "../trampoline/keep-rax.ts";

const POINTER: FrameSlot = { kind: "pointer", name: "tcc_ptr" };

/** [rbp-d-8] is the count (or a copy of the pointer), [rbp-d-16] the pointer to it. */
const pointerSlot = (f: Fn): number => -16 - f.depth;

/**
 * Since 6.12 (116e04ba1459): the count lives on the stack of the entry, rax carries a pointer to it. What arrives in rax is
 * the count itself when it is at most 33 (fresh entry, or tail callee of a main frame), else the pointer.
 */
export const tccPtr: TailCallDesign = {
  name: "tcc-ptr",
  about: "the count is on the entry's stack, rax carries a pointer to it",
  landing: 12,
  trampoline: keepRax(POINTER),

  enter(f) {
    if (f.input.tailCallReachable && !f.input.isSubprog) {
      f.c.note("tail_call_cnt = 0");
      opRegReg(f.c, XOR, true, RAX, RAX); // 48 31 c0
    } else nops(f.c, 3); // 0f 1f 00
  },
  keep(f) {
    const { c } = f;
    if (!f.input.isSubprog) {
      c.note("rax is the count, or a pointer to it?");
      opRegImm(c, CMP, true, RAX, limitOf(f), false); // 48 83 f8 21
      jcc8(c, JA, 6); // 77 06
      c.note("tail_call_cnt");
      push(c, RAX); // 50
      c.note("tail_call_cnt_ptr = &tail_call_cnt");
      movRegReg(c, true, RAX, RSP); // 48 89 e0
      jmp8(c, 1); // eb 01
    }
    c.note("tail_call_cnt_ptr, in place of the count");
    push(c, RAX); // 50
    c.note("tail_call_cnt_ptr");
    push(c, RAX); // 50
    f.slots.push(f.input.isSubprog ? POINTER : { kind: "count", name: "tcc" }, POINTER);
  },
  beforeCall(f, callee) {
    if (callee === "kernel" && !f.profile.countBeforeKernelCalls) return;
    f.c.note("tail_call_cnt_ptr for the callee");
    loadFrame(f.c, true, RAX, RBP, pointerSlot(f)); // 48 8b 85
  },
  check(f, out) {
    f.c.note("*tail_call_cnt_ptr >= 33?");
    loadFrame(f.c, true, RAX, RBP, pointerSlot(f)); // 48 8b 85
    opMemImm8(f.c, 7, true, RAX, limitOf(f)); // 48 83 38 21
    out.jump(JAE);
  },
  count(f) {
    f.c.note("++*tail_call_cnt_ptr");
    opMemImm8(f.c, 0, true, RAX, 1); // 48 83 00 01
    f.c.mark(OWN_STORE);
  },
  drop(f) {
    f.c.note("tail_call_cnt_ptr");
    pop(f.c, RAX); // 58
    f.c.note("tail_call_cnt of a main program, else the pointer again");
    pop(f.c, RAX); // 58
  },
};
