import { relative } from "../emitter.ts";
import { call } from "../encode/control.ts";
import { type Bug, withLowerings } from "./bug.ts";

/** Where the kernel keeps the piece of code that is copied in front of each call: its own text. */
const TEMPLATE = 0xffffffff82000000n;
/** sarq $5, gs:call_depth(%rip) */
const LENGTH = 9;

export const depthNotRelocated: Bug = {
  name: "depth-not-relocated",
  kernel: "linux-6.12",
  about:
    "The instruction that accounts for the call depth was copied in front of each call as it stood, relative to where it came from: it shifted some other per-CPU word, or none at all.",
  fixed: "9d98aa088386 (6.9)",
  fits: ({ callDepth }) => callDepth !== undefined,
  apply: (profile) =>
    withLowerings(profile, {
      emitCall(f, target) {
        const { c } = f;
        if (!f.thunks.has(target)) {
          c.note("call depth accounting, not relocated");
          c.insn();
          c.u32(0x3dc14865); // 65 48 c1 3d
          c.u32(Number(BigInt.asIntN(32, f.symbol("call_depth") - (TEMPLATE + BigInt(LENGTH)))));
          c.u8(5);
        }
        call(c, relative(f, target));
      },
    }),
};
