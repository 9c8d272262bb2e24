import { describe, it } from "vitest";
import { kernels, profileOf } from "../function.ts";
import { expectJited, jited } from "../jited.ts";

/** gotox of every BPF register: the one instruction that jumps through a register of the program's choice. */
const GOTOX = (code: (reg: string, rm: string, rex: string) => string): string =>
  [
    ["rax", "e0", ""],
    ["rdi", "e7", ""],
    ["rsi", "e6", ""],
    ["rdx", "e2", ""],
    ["rcx", "e1", ""],
    ["r8", "e0", "41 "],
    ["rbx", "e3", ""],
    ["r13", "e5", "41 "],
    ["r14", "e6", "41 "],
    ["r15", "e7", "41 "],
  ]
    .map(([reg, rm, rex], n) => `gotox r${n}\n  ${code(reg, rm, rex)}`)
    .join("\n");

describe("lower/branch: `jmp *reg` as the CPU's mitigation wants it", () => {
  jited(
    "retpoline: a thunk for each register",
    [...kernels("5.17"), "linux-6.12+zen2", "linux-6.12+its"],
    {},
    GOTOX((reg) => `e9 .. .. .. ..   jmp __x86_indirect_thunk_${reg}`),
  );

  jited(
    "call depth accounting: thunks of its own",
    "linux-6.12+stuff",
    {},
    GOTOX((reg) => `e9 .. .. .. ..   jmp __x86_indirect_jump_thunk_${reg}`),
  );

  jited(
    "mitigations=off: a jump, and an int3 behind it (CONFIG_SLS)",
    "linux-6.12+mitoff",
    {},
    GOTOX((reg, rm, rex) => `${rex}ff ${rm}   jmpq *%${reg}\n  cc   int3`),
  );

  jited(
    "spectre_v2=retpoline,lfence: the jump waits for its register",
    "linux-6.12+lfence",
    {},
    GOTOX((reg, rm, rex) => `0f ae e8   lfence\n  ${rex}ff ${rm}   jmpq *%${reg}`),
  );

  for (const [n, reg, store] of [
    [0, "rax", "48 89 04 24"],
    [4, "rcx", "48 89 0c 24"],
    [5, "r8", "4c 89 04 24"],
  ] as const)
    jited(
      `before 5.16 a retpoline of 17 bytes is written out: a call whose return address becomes ${reg}`,
      kernels("5.4", "5.17"),
      {},
      `
      gotox r${n}
        e8 07 00 00 00   callq L1
        L0:
        f3 90            pause            # where a mispredicted ret goes on
        0f ae e8         lfence
        eb f9            jmp L0
        L1:
        ${store}         movq %${reg}, (%rsp)
        c3               retq
    `,
    );

  it("without CONFIG_SLS nothing stands behind jumps and returns", () => {
    const { features, ...profile } = profileOf("linux-6.12");
    expectJited(
      { ...profile, features: { ...features, indirectJump: "plain", ret: "plain" } },
      {},
      `
      gotox r1
        ff e7   jmpq *%rdi
      exit
        c9      leave
        c3      retq
    `,
    );
  });
});
