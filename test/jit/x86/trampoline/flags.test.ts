import { describe, expect, test } from "vitest";
import {
  BPF_TRAMP_F_CALL_ORIG,
  BPF_TRAMP_F_INDIRECT,
  BPF_TRAMP_F_ORIG_STACK,
  BPF_TRAMP_F_RESTORE_REGS,
  BPF_TRAMP_F_RET_FENTRY_RET,
  BPF_TRAMP_F_SKIP_FRAME,
  BPF_TRAMP_F_TAIL_CALL_CTX,
} from "../../../../jit/trampoline.ts";
import { profileOf } from "../function.ts";
import { compileTrampoline, linesOf, link, trampoline } from "./trampoline.ts";

const ORIG = BPF_TRAMP_F_CALL_ORIG | BPF_TRAMP_F_SKIP_FRAME;

describe("TAIL_CALL_CTX (6.7): what rax brought is pushed, and loaded before the function goes on", () => {
  trampoline(
    "fentry: before the return to behind the patch site",
    "linux-6.12",
    { flags: BPF_TRAMP_F_RESTORE_REGS | BPF_TRAMP_F_TAIL_CALL_CTX, links: { fentry: [link(1)] } },
    `
    ..
    48 83 ec 28                    subq $0x28, %rsp
    50                             pushq %rax                  # at -0x30
    48 89 5d e8                    movq %rbx, -0x18(%rbp)
    ..
    48 8b 7d f8                    movq -0x8(%rbp), %rdi
    48 8b 85 d0 ff ff ff           movq -0x30(%rbp), %rax      # always with 32 bits of displacement
    48 8b 5d e8                    movq -0x18(%rbp), %rbx
    ..
    `,
  );
  trampoline(
    "fexit: before the call of the function; afterwards rax is its result",
    "linux-6.12",
    { flags: ORIG | BPF_TRAMP_F_TAIL_CALL_CTX, links: { fexit: [link(1)] } },
    `
    ..
    50                             pushq %rax
    ..
    48 8b 7d f0                    movq -0x10(%rbp), %rdi
    48 8b 85 c8 ff ff ff           movq -0x38(%rbp), %rax
    e8 .. .. .. ..                 callq traced+9
    ..
    e8 .. .. .. ..                 callq __bpf_tramp_exit
    48 8b 45 f8                    movq -0x8(%rbp), %rax
    ..
    `,
  );
  test("a design without a count in rax does nothing", () => {
    const flags = BPF_TRAMP_F_RESTORE_REGS | BPF_TRAMP_F_TAIL_CALL_CTX;
    for (const name of ["rfc-percpu-v2", "rfc-task-struct-v3", "rfc-verifier-percpu"]) {
      const lines = linesOf(compileTrampoline({ flags, links: { fentry: [link(1)] } }, profileOf(name)));
      expect(lines.filter((line) => /%rax$/.test(line) && /push|-0x30/.test(line))).toEqual([]);
    }
  });
});

describe("ORIG_STACK: the function is where the call at its patch site returns to", () => {
  const flags = ORIG | BPF_TRAMP_F_ORIG_STACK;
  const calling = (load: string, call: string) => `
    ..
    48 8b 7d f0                    movq -0x10(%rbp), %rdi
    ${load}
    ${call}
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    ..
    `;
  const byRax = calling("48 8b 45 08  movq 0x8(%rbp), %rax", "ff d0  callq *%rax");
  trampoline("6.1 takes rax", "linux-6.1", { flags }, byRax);
  trampoline(
    "since 6.7 rax is the count's, and rbx takes its place",
    "linux-6.12",
    { flags },
    calling("48 8b 5d 08  movq 0x8(%rbp), %rbx", "ff d3  callq *%rbx"),
  );
  trampoline("the series that took the count out of rax goes back to it", "rfc-task-struct-v3", { flags }, byRax);
  test("5.17 does not know it", () => {
    expect(() => compileTrampoline({ flags }, profileOf("linux-5.17"))).toThrow("linux-5.17 knows no ORIG_STACK");
  });
});

describe("INDIRECT, RET_FENTRY_RET: a struct_ops program, called through a pointer, returns the result", () => {
  const flags = BPF_TRAMP_F_INDIRECT | BPF_TRAMP_F_RET_FENTRY_RET;
  const links = { fentry: [link(1)] };
  trampoline(
    "behind an endbr64; nobody's call depth is counted",
    "linux-6.12+stuff",
    { flags, links },
    `
    f3 0f 1e fa                    endbr64
    55                             pushq %rbp
    48 89 e5                       movq %rsp, %rbp
    48 83 ec 30                    subq $0x30, %rsp
    ..
    e8 .. .. .. ..                 callq program_1
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    ..
    48 8b 45 f8                    movq -0x8(%rbp), %rax
    48 8b 5d e0                    movq -0x20(%rbp), %rbx
    c9                             leave
    e9 .. .. .. ..                 jmp call_depth_return_thunk
    `,
  );
  const type = { hash: 0x12345678, arity: 2 };
  test("with kCFI the type's hash stands in front, and callers enter behind it", () => {
    const image = compileTrampoline({ flags, links, type }, profileOf("linux-6.12+kcfi"));
    expect(linesOf(image)[0]).toBe("b8 78 56 34 12  movl $0x12345678, %eax");
    expect(Buffer.from(image.bytes.subarray(image.entry, image.entry + 5)).toString("hex")).toBe("f30f1efa55");
  });
  test("with FineIBT indirect calls arrive at a check of it", () => {
    const image = compileTrampoline({ flags, links, type }, profileOf("linux-6.18+fineibt"));
    expect(linesOf(image).slice(0, 2)).toEqual(["f3 0f 1e fa  endbr64", "2d 78 56 34 12  subl $0x12345678, %eax"]);
    expect([image.entry, image.bytes[image.entry + 4]]).toEqual([16, 0x55]);
  });
});

describe("fmod_ret", () => {
  trampoline(
    "anything but 0 leads past the function, to the next multiple of 16",
    "linux-6.12",
    { flags: ORIG, links: { fmodRet: [link(1), link(2)] } },
    `
    ..
    31 c0                          xorl %eax, %eax             # what the first finds as returned
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    ..
    74 0d                          je +92                      # over the store of the result, too
    48 8d 7d f0                    leaq -0x10(%rbp), %rdi
    e8 .. .. .. ..                 callq program_1
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    ..
    48 83 7d f8 00                 cmpq $0x0, -0x8(%rbp)
    0f 85 63 00 00 00              jne +224
    ..
    e8 .. .. .. ..                 callq program_2
    ..
    48 83 7d f8 00                 cmpq $0x0, -0x8(%rbp)
    0f 85 14 00 00 00              jne +224
    48 8b 7d f0                    movq -0x10(%rbp), %rdi
    e8 .. .. .. ..                 callq traced+9
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    0f 1f 44 00 00                 nopl (%rax,%rax)
    66 90                          nop                         # up to 224
    48 bf 00 01 00 00 81 88 ff ff  movabsq $0xffff888100000100, %rdi
    ..
    `,
  );
});

trampoline(
  "a cookie, a sleepable program that may run inside itself, one that is not JITed",
  "linux-6.12",
  {
    links: {
      fentry: [
        {
          ...link(1),
          cookie: 0x1122334455667788n,
          sleepable: true,
          mayRecur: true,
          insnsi: 0xffffc90000001048n,
        },
      ],
    },
  },
  `
  ..
  48 bf 88 77 66 55 44 33 22 11  movabsq $0x1122334455667788, %rdi
  48 89 7d d8                    movq %rdi, -0x28(%rbp)
  ..
  e8 .. .. .. ..                 callq __bpf_prog_enter_sleepable
  ..
  48 be 48 10 00 00 00 c9 ff ff  movabsq $0xffffc90000001048, %rsi
  e8 .. .. .. ..                 callq program_1
  ..
  e8 .. .. .. ..                 callq __bpf_prog_exit_sleepable
  ..
  `,
);
