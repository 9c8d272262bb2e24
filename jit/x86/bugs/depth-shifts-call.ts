import { relative } from "../emitter.ts";
import { call } from "../encode/control.ts";
import { accountDepth } from "../lower/call.ts";
import { type Bug, withLowerings } from "./bug.ts";

export const depthShiftsCall: Bug = {
  name: "depth-shifts-call",
  kernel: "linux-6.12",
  about:
    "The distance of a call was worked out before the accounting instruction was put in front of it: every call landed as many bytes behind its function's first.",
  fixed: "6a537453000a (6.9)",
  fits: ({ callDepth }) => callDepth !== undefined,
  apply: (profile) =>
    withLowerings(profile, {
      emitCall(f, target) {
        const rel = relative(f, target);
        if (!f.thunks.has(target)) accountDepth(f);
        call(f.c, rel);
      },
    }),
};
