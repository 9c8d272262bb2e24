import type { Bug } from "./bug.ts";

export const countForHelpers: Bug = {
  name: "count-for-helpers",
  kernel: "linux-7.2",
  about:
    "The count's pointer was loaded in front of calls of helpers, too, which have no use for rax: seven bytes each.",
  fixed: "a1087da9d11e (6.13)",
  apply: (profile) => ({ ...profile, countBeforeKernelCalls: true }),
};
