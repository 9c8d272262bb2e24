import { OWN_STORE } from "../../../bpf/image.ts";
import type { TailCallDesign } from "../design.ts";
import { ADD, CMP, opRegImm, opRegReg, XOR } from "../encode/alu.ts";
import { JA, JAE, nops, pop, push } from "../encode/control.ts";
import { loadFrame, storeFrame } from "../encode/memory.ts";
import { type Fn, limitOf } from "../fn.ts";
import { RAX, RBP } from "../regs.ts";
import { keepRax } from "../trampoline/keep-rax.ts";

/** The count is the upper half of the pushed rax, so eax travels in bits 63:32 of what a callee is handed. */
const countSlot = (f: Fn): number => -4 - f.depth;

/** What the design's sub-eras tell apart. */
interface Era {
  name: string;
  about: string;
  /** the count is compared with 32, "above" (up to 5.16), or with 33, "not below" (ebf7f6f0a6cd); the same calls pass */
  compare: "above-32" | "not-below-33";
  /** before a call the count is read at rbp - (stack_depth + 8), rounded to 8 or not (ff672c67ee76, 5.19) */
  reload: "rounded" | "as-is";
}

/**
 * 5.10 to 6.11 (ebf7d1f508a7): eax by value. Every frame keeps its own copy, so what a subprogram counts is lost when it
 * returns.
 */
function raxValueOf({ name, about, compare, reload }: Era): TailCallDesign {
  return {
    name,
    about,
    landing: 11,
    trampoline: keepRax({ kind: "count", name: "tcc", high: true }),

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
      const depth = reload === "rounded" ? f.depth : f.input.stackDepth;
      loadFrame(f.c, true, RAX, RBP, -8 - depth); // 48 8b 85
    },
    check(f, out) {
      f.c.note("tail_call_cnt >= 33?");
      loadFrame(f.c, false, RAX, RBP, countSlot(f)); // 8b 85
      const limit = compare === "above-32" ? limitOf(f) - 1 : limitOf(f);
      opRegImm(f.c, CMP, false, RAX, limit, false); // 83 f8 20 or 83 f8 21
      out.jump(compare === "above-32" ? JA : JAE);
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
}

export const raxValue510 = raxValueOf({
  name: "rax-value-5.10",
  about: "eax carries the count by value; reads it from a wrong place where the stack depth is no multiple of 8",
  compare: "above-32",
  reload: "as-is",
});

export const raxValue517 = raxValueOf({
  name: "rax-value-5.17",
  about: "eax carries the count by value; reads it from a wrong place where the stack depth is no multiple of 8",
  compare: "not-below-33",
  reload: "as-is",
});

export const raxValue = raxValueOf({
  name: "rax-value",
  about: "eax carries the count by value; each frame has its own copy",
  compare: "not-below-33",
  reload: "rounded",
});
