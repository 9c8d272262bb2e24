import { tccPtr } from "../designs/tcc-ptr.ts";
import { CMP, opRegReg } from "../encode/alu.ts";
import { JBE } from "../encode/control.ts";
import { load } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import { RCX, RDX, RSI } from "../regs.ts";
import { type Bug, withDesign } from "./bug.ts";

export const rangeSpends: Bug = {
  name: "range-spends",
  kernel: "linux-6.12",
  about:
    "MIPS64 counts in the delay slot of the index check, here done on x86: an index out of range costs one of the 33.",
  apply: (profile) =>
    withDesign(profile, {
      bounds(f, out) {
        const { c } = f;
        tccPtr.check(f, out);
        movRegReg(c, false, RDX, RDX); // 89 d2
        load(c, 4, RCX, RSI, f.profile.offsets.maxEntries); // 8b 4e
        tccPtr.count?.(f);
        opRegReg(c, CMP, false, RCX, RDX); // 39 d1
        out.jump(JBE);
      },
      check(f, out) {
        if (f.input.insns[f.slot].imm) tccPtr.check(f, out);
      },
      count(f) {
        if (f.input.insns[f.slot].imm) tccPtr.count?.(f);
      },
    }),
};
