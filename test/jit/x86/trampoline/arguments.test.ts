import { describe, expect, test } from "vitest";
import {
  BPF_TRAMP_F_CALL_ORIG,
  BPF_TRAMP_F_SKIP_FRAME,
  type FuncModel,
  wordsModel,
} from "../../../../jit/trampoline.ts";
import { profileOf } from "../function.ts";
import { compileTrampoline, link, trampoline } from "./trampoline.ts";

const ORIG = BPF_TRAMP_F_CALL_ORIG | BPF_TRAMP_F_SKIP_FRAME;
const longs = (count: number) => wordsModel(count).args;
const PAIR = { size: 16, struct: true };

describe("arguments on the stack (6.6)", () => {
  trampoline(
    "are copied to the context, and again to where the function that is called from here expects them",
    "linux-6.12",
    { model: wordsModel(8), flags: ORIG },
    `
    ..
    48 83 ec 78                    subq $0x78, %rsp            # 8 + 8 * 8 + 8 + 8 + 16 + 2 * 8, and 24 above it: 144
    48 89 5d a8                    movq %rbx, -0x58(%rbp)
    b8 08 00 00 00                 movl $0x8, %eax
    48 89 45 b0                    movq %rax, -0x50(%rbp)
    48 89 7d b8                    movq %rdi, -0x48(%rbp)
    48 89 75 c0                    movq %rsi, -0x40(%rbp)
    48 89 55 c8                    movq %rdx, -0x38(%rbp)
    48 89 4d d0                    movq %rcx, -0x30(%rbp)
    4c 89 45 d8                    movq %r8, -0x28(%rbp)
    4c 89 4d e0                    movq %r9, -0x20(%rbp)
    48 8b 45 18                    movq 0x18(%rbp), %rax       # rbp, return address to the function, and to its caller
    48 89 45 e8                    movq %rax, -0x18(%rbp)
    48 8b 45 20                    movq 0x20(%rbp), %rax
    48 89 45 f0                    movq %rax, -0x10(%rbp)
    ..
    4c 8b 4d e0                    movq -0x20(%rbp), %r9
    48 8b 45 18                    movq 0x18(%rbp), %rax
    48 89 45 88                    movq %rax, -0x78(%rbp)      # at rsp
    48 8b 45 20                    movq 0x20(%rbp), %rax
    48 89 45 90                    movq %rax, -0x70(%rbp)
    e8 .. .. .. ..                 callq traced+9
    ..
    `,
  );
  trampoline(
    "are 8 bytes nearer where the trampoline was jumped to, and the frame is aligned otherwise",
    "linux-7.2",
    { model: wordsModel(8), flags: BPF_TRAMP_F_CALL_ORIG },
    `
    ..
    48 81 ec 80 00 00 00           subq $0x80, %rsp            # 120 as above, 16 above it: 8 more
    ..
    48 8b 45 10                    movq 0x10(%rbp), %rax
    48 89 45 e8                    movq %rax, -0x18(%rbp)
    ..
    48 8b 45 10                    movq 0x10(%rbp), %rax
    48 89 45 80                    movq %rax, -0x80(%rbp)
    ..
    `,
  );
  trampoline(
    "have garbage above them where a lone one is of four bytes or less",
    "linux-6.12",
    { model: { args: [...longs(6), { size: 4 }] }, links: { fentry: [link(1)] } },
    `
    ..
    48 8b 45 18                    movq 0x18(%rbp), %rax
    48 89 45 f8                    movq %rax, -0x8(%rbp)
    c7 45 fc 00 00 00 00           movl $0x0, -0x4(%rbp)
    ..
    `,
  );
});

describe("a struct of two words (6.1)", () => {
  trampoline(
    "takes two registers",
    "linux-6.1",
    { model: { args: [{ size: 4 }, PAIR, { size: 8 }] }, links: { fentry: [link(1)] } },
    `
    ..
    b8 04 00 00 00                 movl $0x4, %eax
    48 89 45 d8                    movq %rax, -0x28(%rbp)
    89 7d e0                       movl %edi, -0x20(%rbp)      # before 6.6 as wide as the argument
    48 89 75 e8                    movq %rsi, -0x18(%rbp)
    48 89 55 f0                    movq %rdx, -0x10(%rbp)
    48 89 4d f8                    movq %rcx, -0x8(%rbp)
    ..
    8b 7d e0                       movl -0x20(%rbp), %edi
    48 8b 75 e8                    movq -0x18(%rbp), %rsi
    48 8b 55 f0                    movq -0x10(%rbp), %rdx
    48 8b 4d f8                    movq -0x8(%rbp), %rcx
    ..
    `,
  );
  trampoline(
    "that does not fit into what registers are left is on the stack, and what comes behind it is not",
    "linux-6.12",
    { model: { args: [...longs(5), PAIR, { size: 1 }] }, flags: ORIG },
    `
    ..
    4c 89 45 d8                    movq %r8, -0x28(%rbp)
    48 8b 45 18                    movq 0x18(%rbp), %rax
    48 89 45 e0                    movq %rax, -0x20(%rbp)
    48 8b 45 20                    movq 0x20(%rbp), %rax
    48 89 45 e8                    movq %rax, -0x18(%rbp)
    4c 89 4d f0                    movq %r9, -0x10(%rbp)
    ..
    4c 8b 45 d8                    movq -0x28(%rbp), %r8
    4c 8b 4d f0                    movq -0x10(%rbp), %r9
    48 8b 45 18                    movq 0x18(%rbp), %rax
    ..
    `,
  );
});

test.each<[profile: string, what: string, model: FuncModel, message: RegExp]>([
  ["linux-6.1", "a seventh argument", wordsModel(7), /7 words of arguments; linux-6.1 traces functions with 6 at most/],
  ["linux-6.12", "a thirteenth", wordsModel(13), /13 words of arguments; linux-6.12 traces functions with 12 at most/],
  ["linux-5.17", "a struct", { args: [PAIR] }, /linux-5.17 traces no function with a struct argument/],
])("%s gives up at %s", (profile, _, model, message) => {
  expect(() => compileTrampoline({ model }, profileOf(profile))).toThrow(message);
});

test("4.10 and 5.4 have no trampolines", () => {
  for (const profile of ["linux-4.10", "linux-5.4"])
    expect(() => compileTrampoline({}, profileOf(profile))).toThrow(`${profile} has no trampolines`);
});
