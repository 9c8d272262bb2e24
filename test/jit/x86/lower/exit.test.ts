import { describe } from "vitest";
import { jited } from "../jited.ts";

describe("lower/exit: the first is the epilogue, later ones jump there", () => {
  jited(
    "ret, and an int3 that straight-line speculation runs into (CONFIG_SLS)",
    ["linux-6.1", "linux-6.12", "linux-6.18", "linux-7.2", "linux-6.12+mitoff"],
    {},
    `
    if r1 == 0 goto other
    exit
      c9               leave
      c3               retq
      cc               int3
    other:
    exit
      eb fb            jmp @1
  `,
  );

  for (const [profiles, thunk] of [
    [["linux-6.1+zen2", "linux-6.12+zen2", "linux-6.18+zen2", "linux-6.12+lfence"], "srso_return_thunk"],
    [["linux-7.2+zen2"], "retbleed_return_thunk"],
    [["linux-6.12+its"], "its_return_thunk"],
    [["linux-6.12+stuff"], "call_depth_return_thunk"],
  ] as const)
    jited(
      `a return thunk is jumped to: ${thunk}`,
      [...profiles],
      {},
      `
      r6 = 0
      exit
        5b               popq %rbx
        c9               leave
        e9 .. .. .. ..   jmp ${thunk}
      exit
        eb f7            jmp @1
    `,
    );
});
