import { describe, it } from "vitest";
import { profileOf } from "../function.ts";
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
    ["linux-6.1", "linux-6.12", "linux-6.18", "linux-7.2", "linux-6.12+zen2", "linux-6.12+its"],
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
