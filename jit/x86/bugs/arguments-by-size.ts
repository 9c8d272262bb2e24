import type { Bug } from "./bug.ts";

export const argumentsBySize: Bug = {
  name: "arguments-by-size",
  kernel: "linux-6.6",
  about:
    "A trampoline stored only as many bytes of an argument as its type has: the program, which reads all 8, found in the others what lay on the stack.",
  fixed: "02a6dfa8ff43 (6.6)",
  apply: (profile) => ({
    ...profile,
    ...(profile.trampoline ? { trampoline: { ...profile.trampoline, stackArguments: false } } : {}),
  }),
};
