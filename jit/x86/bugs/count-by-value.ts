import type { Bug } from "./bug.ts";

export const countByValue: Bug = {
  name: "count-by-value",
  kernel: "linux-6.12",
  about:
    "The count travelled in eax by value: what a function counted was lost when it returned, so the second call in each frame started over, and 33 became 2^34 - 2.",
  fixed: "116e04ba1459 (6.12)",
  apply: (profile) => ({ ...profile, design: "rax-value" }),
};
