import { OWN_STORE } from "../../../bpf/image.ts";
import type { TailCallDesign } from "../design.ts";
import { JAE, nops, pop, push } from "../encode/control.ts";
import { load, loadFrame, opMemImm8 } from "../encode/memory.ts";
import { type Fn, limitOf } from "../fn.ts";
import { RAX, RBP, RDI } from "../regs.ts";
import { keepRax } from "../trampoline/keep-rax.ts";
import { loadThrough } from "./c-functions.ts";

/** offsetof(struct bpf_tail_call_run_ctx, tail_call_cnt_ptr); the context itself is its first member */
const TCC_PTR = 8;
const LOADS_SIZE = 7;

const pointerSlot = (f: Fn): number => -8 - f.depth;

/**
 * Series v4 (May 2024): the dispatcher hands over a struct bpf_tail_call_run_ctx instead of the context. Whoever enters a program
 * otherwise hands it a context that it takes for such a struct.
 */
export const runCtx: TailCallDesign = {
  name: "run-ctx",
  about: "on the caller's stack; the dispatcher passes a pointer to it in front of the context",
  landing: 9 + LOADS_SIZE,
  entry: "run-ctx",
  trampoline: keepRax({ kind: "pointer", name: "tcc_ptr" }),

  enter(f) {
    if (!f.input.tailCallReachable || f.input.isSubprog) return nops(f.c, LOADS_SIZE); // 0f 1f 80 00 00 00 00
    f.c.note("tail_call_cnt_ptr of the run context");
    load(f.c, 8, RAX, RDI, TCC_PTR); // 48 8b 47 08
    f.c.note("the context itself");
    loadThrough(f.c, true, RDI, RDI); // 48 8b 3f
  },
  keep(f) {
    f.c.note("tail_call_cnt_ptr");
    push(f.c, RAX); // 50
    f.slots.push({ kind: "pointer", name: "tcc_ptr" });
  },
  beforeCall(f) {
    f.c.note("tail_call_cnt_ptr for the callee");
    loadFrame(f.c, true, RAX, RBP, pointerSlot(f)); // 48 8b 85
  },
  check(f, out) {
    f.c.note("*tail_call_cnt_ptr >= 33?");
    loadFrame(f.c, true, RAX, RBP, pointerSlot(f)); // 48 8b 85
    opMemImm8(f.c, 7, false, RAX, limitOf(f)); // 83 38 21
    out.jump(JAE);
    f.c.note("++*tail_call_cnt_ptr, even if the slot turns out empty");
    opMemImm8(f.c, 0, false, RAX, 1); // 83 00 01
    f.c.mark(OWN_STORE);
  },
  drop(f) {
    f.c.note("tail_call_cnt_ptr for the callee");
    pop(f.c, RAX); // 58
  },
};
