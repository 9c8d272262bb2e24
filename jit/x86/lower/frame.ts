import { STACK_UP } from "../../../bpf/image.ts";
import type { Frame } from "../design.ts";
import { addRsp, endbr64, leave, pop, push, subRsp } from "../encode/control.ts";
import { movRegReg } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { CALLEE_SAVED, R12, RBP, RDX, REG_NAMES, RSI, RSP } from "../regs.ts";

/**
 * The frame since 5.10 (ebf7d1f508a7): as deep as the function needs, with the callee-saved registers that it uses below the
 * BPF stack and the count. A tail call undoes all but rbp, which the callee inherits.
 */
export const exactFrame: Frame = {
  make(f) {
    const { c, design, input } = f;
    if (!input.classic) {
      c.note("no count starts here");
      design.enter?.(f);
    }
    if (input.exceptionCallback) exceptionFrame(f);
    else {
      c.note("the caller's rbp");
      push(c, RBP); // 55
      movRegReg(c, true, RBP, RSP); // 48 89 e5
    }
    if (!input.classic) design.linked?.(f);
    if (f.profile.features.ibt) {
      c.note("tail calls land");
      endbr64(c);
    }
    if (f.depth) {
      c.note(`BPF stack, ${input.stackDepth} bytes used`);
      subRsp(c, f.depth); // 48 81 ec
    }
    if (input.tailCallReachable) design.keep?.(f);
    for (const reg of f.saved) {
      c.note(`the caller's ${REG_NAMES[reg]}`);
      push(c, reg);
      f.slots.push({ kind: "saved", name: REG_NAMES[reg] });
    }
  },
  restore(f) {
    popSaved(f);
    f.c.note("rsp = rbp, the caller's rbp");
    leave(f.c); // c9
  },
  leave(f) {
    popSaved(f);
    f.design.drop?.(f);
    if (!f.depth) return;
    f.c.note("BPF stack");
    addRsp(f.c, f.depth); // 48 81 c4
  },
};

/** Pop the callee-saved registers, last pushed first. */
function popSaved(f: Fn): void {
  for (let i = f.saved.length - 1; i >= 0; i--) {
    f.c.note(`the caller's ${REG_NAMES[f.saved[i]]}`);
    pop(f.c, f.saved[i]);
  }
}

/**
 * The exception callback runs on the main program's frame: rsi is its rsp, rdx its rbp; registers that the main program
 * saved are restored first.
 */
function exceptionFrame(f: Fn): void {
  const { c } = f;
  movRegReg(c, true, RSP, RSI); // 48 89 f4
  c.mark(STACK_UP);
  movRegReg(c, true, RBP, RDX); // 48 89 d5
  for (let i = CALLEE_SAVED.length - 1; i >= 0; i--) pop(c, CALLEE_SAVED[i]);
  pop(c, R12);
  movRegReg(c, true, RSP, RBP); // 48 89 ec
  c.mark(STACK_UP);
}
