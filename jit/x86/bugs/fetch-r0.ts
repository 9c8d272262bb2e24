import { opRegReg } from "../encode/alu.ts";
import { JNE, jcc8 } from "../encode/control.ts";
import { atomic, CMPXCHG, load } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import { move } from "../lower/move.ts";
import { AUX, AX, RAX } from "../regs.ts";
import { type Bug, withLowerings } from "./bug.ts";

export const fetchR0: Bug = {
  name: "fetch-r0",
  kernel: "linux-5.17",
  about:
    "atomic_fetch_and, _or and _xor keep R0 in another register while their loop uses rax, and forgot that R0 may be the operand: the old value met itself, and R0 came back as it was.",
  fixed: "b29dd96b905f (5.12)",
  apply: (profile) =>
    withLowerings(profile, {
      fetchLoop(f, op, w, bytes, dst, src, off) {
        const { c } = f;
        const base = dst === RAX ? AX : dst;
        move(f, AX, RAX);
        const again = c.pos;
        load(c, bytes, RAX, base, off);
        movRegReg(c, w, AUX, RAX);
        opRegReg(c, op, w, AUX, src);
        atomic(c, CMPXCHG, w, base, off, AUX);
        jcc8(c, JNE, again - (c.pos + 2));
        if (src !== RAX) movRegReg(c, w, src, RAX);
        move(f, RAX, AX);
      },
    }),
};
