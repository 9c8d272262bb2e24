import { type Bug, withDesign } from "./bug.ts";

export const overMarked: Bug = {
  name: "over-marked",
  kernel: "linux-7.2",
  about:
    "The verifier's walk carried tail_call_reachable from one callee over to the next: functions that never see a tail call kept a pointer in their frames, and loaded it.",
  fixed: "54c27ea6dadb (2026)",
  apply: (profile) => withDesign(profile, { rewrite: (input) => ({ ...input, tailCallReachable: true }) }),
};
