import { describe, expect, test } from "vitest";
import { disassemble, disassembleAt } from "../../../../src/import/x86/disassemble.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const AT = 0xffffffffc0000000n;

/** bytes -> what llvm-mc -disassemble --print-imm-hex writes */
const FORMS: [hex: string, text: string][] = [
  ["f30f1efa", "endbr64"],
  ["0f1f440000", "nopl (%rax,%rax)"],
  ["0f1f00", "nopl (%rax)"],
  ["6690", "nop"],
  ["4883f821", "cmpq $0x21, %rax"],
  ["c9", "leave"],
  ["c3", "retq"],
  ["cc", "int3"],
  ["ffe1", "jmpq *%rcx"],
  ["488b85f0ffffff", "movq -0x10(%rbp), %rax"],
  ["48833821", "cmpq $0x21, (%rax)"],
  ["48c7c0ffffffff", "movq $-0x1, %rax"],
  ["b8ffffffff", "movl $0xffffffff, %eax"],
  ["83e0f0", "andl $-0x10, %eax"],
  ["81e0f0ffffff", "andl $0xfffffff0, %eax"],
  ["c640f8ff", "movb $-0x1, -0x8(%rax)"],
  ["49bb0000000000f0ffff", "movabsq $0xfffff00000000000, %r11"],
  ["65480304252830dbff", "addq %gs:-0x24cfd8, %rax"],
  ["6548030425281a0200", "addq %gs:0x21a28, %rax"],
  ["6548c13d0010000005", "sarq $0x5, %gs:0x1000(%rip)"],
  ["48d1e0", "shlq %rax"],
  ["48c1e020", "shlq $0x20, %rax"],
  ["486bff07", "imulq $0x7, %rdi, %rdi"],
  ["486bfe07", "imulq $0x7, %rsi, %rdi"],
  ["f0480fb117", "lock cmpxchgq %rdx, (%rdi)"],
  ["4863c0", "movslq %eax, %rax"],
  ["c4e2f1f7c0", "shlxq %rcx, %rax, %rax"],
];

describe("machine code in LLVM's AT&T syntax", () => {
  test.each(FORMS)("%s is %s", (hex, text) => {
    expect(disassemble(bytes(hex), AT)).toEqual([{ offset: 0, length: hex.length / 2, text }]);
  });

  test("jumps and calls tell where they go", () => {
    expect(disassemble(bytes("7706e8f9ffffff"), AT)).toEqual([
      { offset: 0, length: 2, text: "ja 0xffffffffc0000008", target: AT + 8n },
      { offset: 2, length: 5, text: "callq 0xffffffffc0000000", target: AT },
    ]);
  });

  test("bytes that are no instruction, and one that is cut off", () => {
    expect(disassemble(bytes("06c3e800"), AT).map(({ text }) => text)).toEqual([
      ".byte 0x06",
      "retq",
      ".byte 0xe8",
      ".byte 0x00",
    ]);
    expect(disassembleAt(bytes("90c3"), AT, 1)).toBe("retq");
    expect(disassembleAt(bytes("90"), AT, 1)).toBe("(end of code)");
  });
});
