import { expect, test } from "vitest";
import { replaySet } from "../../../../src/import/capture/replay.ts";
import { sourceSet } from "../../../../src/import/capture/source.ts";
import { standIn } from "../../../../src/import/capture/stand-in.ts";
import { disassemble } from "../../../../src/import/x86/disassemble.ts";
import { openFixture, setOf } from "./fixtures.ts";

const hardened = openFixture("x86_64-6.12-harden2");
const SET = "trampoline.24";

test("code for a trampoline whose image the kernel hides: programs see arguments and result, rax is handed on", () => {
  const { record, source } = setOf(hardened, SET);
  const set = sourceSet(source);
  const target = set.programs.find(({ attach }) => attach)!.attach!;
  const address = 0xffffffffc0010000n;
  const bytes = standIn({ ...target, address, resume: 0xffffffffc0000009n }, set, record);
  expect(disassemble(bytes, address).map(({ text }) => text)).toEqual([
    "pushq %rbp",
    "movq %rsp, %rbp",
    "subq $0x40, %rsp",
    "movq %rax, -0x8(%rbp)",
    "movq %rdi, -0x40(%rbp)",
    "leaq -0x40(%rbp), %rdi",
    "callq 0xffffffffc0001058",
    "movq -0x40(%rbp), %rdi",
    "movq -0x8(%rbp), %rax",
    "leave",
    "retq",
  ]);
});

test.each([
  ["x86_64-6.12-harden2", "stood in for"],
  ["x86_64-6.12-default", "the kernel's"],
])("%s: with trampolines %s a run comes out as in the kernel", (variant) => {
  const opened = openFixture(variant);
  const sets = opened.capture.records.filter(({ family }) => family === "trampoline");
  const runs = sets.flatMap((record) => [
    ...replaySet(opened.capture, opened.kernel, record, { ...opened.machine, bytes: "captured" }),
  ]);
  expect(runs.length).toBeGreaterThan(1);
  expect(runs.map(({ status, findings }) => [status, findings])).toEqual(runs.map(() => ["same", []]));
});
