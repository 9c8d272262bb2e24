import type { Bug } from "./bug.ts";

export const oddDepth: Bug = {
  name: "odd-depth",
  kernel: "linux-6.1",
  about:
    "Before a call the count was read at the stack depth plus 8, not rounded up as the frame is: the callee was handed half a count and half of the stack, and never reached the limit.",
  fixed: "ff672c67ee76 (5.19)",
  apply: (profile) => ({ ...profile, design: "rax-value-5.17" }),
};
