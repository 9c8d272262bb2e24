import { expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { disassemble, listing, listProgram, listXlated } from "../../../bpf/disasm/disassemble.ts";
import type { Xlated } from "../../../bpf/xlated.ts";

const HIERARCHY = `entry:
  r6 = r1
  r1 = counter[0] + 8 ll
  if r1 == 0 goto L1
  call subprog_tail
  r3 = subprog_tail ll
L1:
  exit
subprog_tail:
  r2 = jmp_table ll
  call bpf_tail_call
  call kfunc bpf_throw
  r1 = *(u32 *)(r1 + sk_buff.len)
  exit
`;

test("a program lists as the text it was assembled from, and relocs survive", () => {
  const first = assemble(HIERARCHY, { maps: ["jmp_table", "counter"] });
  const text = listProgram({ name: "p", type: 3, ...first });
  expect(text).toBe(HIERARCHY);
  const { labels: _, lines: __, ...again } = assemble(text, { maps: ["jmp_table", "counter"] });
  expect(again).toEqual({ insns: first.insns, functions: first.functions, relocs: first.relocs });
});

test("without names, distances and numbers", () => {
  const { insns } = assemble(HIERARCHY, { maps: ["jmp_table", "counter"] });
  expect(disassemble(insns, { helpers: "numbers" })).toEqual([
    "r6 = r1",
    "ld_pseudo r1, 2, 0x800000000",
    "",
    "if r1 == 0 goto +3",
    "call pc+3",
    "ld_pseudo r3, 4, 2",
    "",
    "exit",
    "ld_pseudo r2, 1, 0",
    "",
    "call 12",
    "call kfunc 0",
    "r1 = *(u32 *)(r1 + 0)",
    "exit",
  ]);
});

test("a name that would be read as something else is not used", () => {
  const call = assemble("call bpf_tail_call\nexit").insns;
  expect(disassemble(call, { functions: [{ name: "bpf_tail_call", start: 1 }] })[0]).toBe("call 12");
  const jump = assemble("goto +0\nexit").insns;
  expect(disassemble(jump, { labels: new Map([["r1", 1]]) })[0]).toBe("goto +0");
  expect(disassemble(jump, { labels: new Map([["a b", 1]]) })[0]).toBe("goto +0");
});

test("a jump into an LD_IMM64 keeps its distance, because no label fits there", () => {
  expect(listing(assemble("goto +1\nr1 = 5 ll\nexit").insns)).toBe("  goto +1\n  r1 = 5 ll\n  exit\n");
});

test("code in the kernel's internal form: callees are indexes and names", () => {
  const xlated: Xlated = {
    insns: [
      { code: 0x18, dst: 2, src: 0, off: 0, imm: 0 },
      { code: 0, dst: 0, src: 0, off: 0, imm: 0 },
      { code: 0x85, dst: 0, src: 1, off: 0, imm: 1 },
      { code: 0x85, dst: 0, src: 0, off: 0, imm: 0 },
      { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 },
      { code: 0xf5, dst: 0, src: 0, off: 0, imm: 1 },
      { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 },
    ],
    origin: new Int32Array(7),
    functions: [
      { name: "main", start: 0, insns: 5, stackDepth: 0, hasTailCall: false, tailCallReachable: true },
      { name: "sub", start: 5, insns: 2, stackDepth: 0, hasTailCall: true, tailCallReachable: true },
    ],
    mapRefs: [{ insn: 0, map: "jmp_table", kind: "map", off: 0 }],
    calls: new Map([[3, "bpf_ktime_get_ns"]]),
    pokes: [{ insn: 5, map: "jmp_table", key: 0 }],
    symbolRefs: [],
  };
  expect(listXlated(xlated)).toBe(`main:
  r2 = jmp_table ll
  call sub
  call bpf_ktime_get_ns
  exit
sub:
  tail_call poke[0]
  exit
`);
});
