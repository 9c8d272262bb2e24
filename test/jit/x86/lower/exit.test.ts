import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

describe("lower/exit: the first is the epilogue, later ones jump there", () => {
  jited(
    "ret, and an int3 that straight-line speculation runs into (CONFIG_SLS)",
    [...kernels("6.1"), "linux-6.12+mitoff"],
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

  const unprivileged = { classic: true, unprivileged: true };

  jited(
    "a classic filter of the unprivileged forgets the branch history first; clear_bhb_loop clobbers eax and ecx",
    "linux-6.12+bhi",
    unprivileged,
    `
    exit
      50               pushq %rax
      51               pushq %rcx
      e8 .. .. .. ..   callq clear_bhb_loop
      59               popq %rcx
      58               popq %rax
      c9               leave
      c3               retq
      cc               int3
  `,
  );

  jited(
    "or has the CPU do it (IBHF)",
    "linux-6.12+ibhf",
    unprivileged,
    `
    exit
      f3 48 0f 1e f8   nopq %rdi, %rax
      c9               leave
      c3               retq
      cc               int3
  `,
  );

  for (const setting of [{ classic: true }, { unprivileged: true }])
    jited(
      `nothing of the kind where it is only ${Object.keys(setting)}`,
      ["linux-6.12+bhi", "linux-6.12+ibhf"],
      setting,
      `
      exit
        c9             leave
        c3             retq
        cc             int3
    `,
    );
});
