import type { Bug } from "./bug.ts";

export const countLostInTrampoline: Bug = {
  name: "count-lost-in-trampoline",
  kernel: "linux-6.12",
  about:
    "A trampoline left in rax what the last C function that it called had put there, and went on into the traced function with it: the count was gone as soon as somebody traced.",
  fixed: "2b5dcb31a19a (6.7)",
  apply: (profile) => ({
    ...profile,
    ...(profile.trampoline ? { trampoline: { ...profile.trampoline, tailCallCtx: false } } : {}),
  }),
};
