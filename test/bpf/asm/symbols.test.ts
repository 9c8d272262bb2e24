import { expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { slots } from "./hex.ts";

test("the design's example: maps, functions, helpers, comments", () => {
  const { insns, functions, relocs, lines, labels } = assemble(
    `entry:
       r6 = r1
       r1 = counter[0] ll          ; address of the map's value
       call subprog_tail           # to slot 7
       exit
     subprog_tail:
       r1 = r6                     // slot 5
       r2 = jmp_table ll
       call bpf_tail_call          /* helper 12 */
       exit`,
    { maps: ["jmp_table", "counter"] },
  );
  expect(functions).toEqual([
    { name: "entry", start: 0 },
    { name: "subprog_tail", start: 5 },
  ]);
  expect(relocs).toEqual([
    { insn: 1, kind: "value", map: "counter", off: 0 },
    { insn: 6, kind: "map", map: "jmp_table" },
  ]);
  expect(insns[1]).toEqual({ code: 0x18, dst: 1, src: 2, off: 0, imm: 0 }); // BPF_PSEUDO_MAP_VALUE
  expect(insns[6]).toEqual({ code: 0x18, dst: 2, src: 1, off: 0, imm: 0 }); // BPF_PSEUDO_MAP_FD
  expect(insns[3]).toEqual({ code: 0x85, dst: 0, src: 1, off: 0, imm: 1 }); // 1 slot over the exit
  expect([...lines]).toEqual([2, 3, 3, 4, 5, 7, 8, 8, 9, 10]); // both slots of an LD_IMM64 have its line
  expect([...labels]).toEqual([
    ["entry", 0],
    ["subprog_tail", 5],
  ]);
});

test("bytes into a map's value go into the second immediate", () => {
  const { insns, relocs } = assemble("r1 = counter[0] + 8 ll", { maps: ["counter"] });
  expect(insns.map(({ imm }) => imm)).toEqual([0, 8]);
  expect(relocs).toEqual([{ insn: 0, kind: "value", map: "counter", off: 8 }]);
});

test("a function whose address is taken is a function", () => {
  const { insns, functions } = assemble("r2 = callback ll\nexit\ncallback: exit");
  expect(functions).toEqual([
    { name: "entry", start: 0 },
    { name: "callback", start: 3 },
  ]);
  expect(insns[0]).toMatchObject({ src: 4, imm: 2 }); // BPF_PSEUDO_FUNC, distance like a call's
});

test("a label that is only jumped to is no function", () => {
  expect(assemble("goto out\nr0 = 1\nout: exit").functions).toEqual([{ name: "entry", start: 0 }]);
});

test("the first function has its label's name, or the one that is given", () => {
  expect(assemble("main: exit").functions).toEqual([{ name: "main", start: 0 }]);
  expect(assemble("exit", { entry: "classifier_0" }).functions).toEqual([{ name: "classifier_0", start: 0 }]);
  expect(assemble("a: b: call b\nexit").functions).toEqual([{ name: "b", start: 0 }]);
});

test("jump distances count from the next slot, and LD_IMM64 counts twice", () => {
  expect(slots("top: r1 = 1 ll\nif r1 == 0 goto top\ngoto end\nexit\nend:").slice(2)).toEqual([
    "15 01 fd ff 00 00 00 00", // -3
    "05 00 01 00 00 00 00 00", // +1
    "95 00 00 00 00 00 00 00",
  ]);
});

test("numeric labels may repeat: 1b is the last above, 1f the next below", () => {
  const offs = assemble("1: goto 1f\n1: goto 1b\ngoto 1f\n1: goto 1b").insns.map(({ off }) => off);
  expect(offs).toEqual([0, -1, 0, -1]);
});

test("call prefers a label, then a helper, then a declared kernel function", () => {
  const text = "call bpf_tail_call\ncall bpf_throw\nexit";
  expect(assemble(text, { kfuncs: ["bpf_throw"] }).relocs).toEqual([{ insn: 1, kind: "kfunc", name: "bpf_throw" }]);
  expect(assemble(text, { kfuncs: ["bpf_throw"] }).insns[0]).toMatchObject({ src: 0, imm: 12 });
  expect(assemble(`${text}\nbpf_tail_call: exit`, { kfuncs: ["bpf_throw"] }).insns[0]).toMatchObject({
    src: 1,
    imm: 2,
  });
  expect(assemble("call kfunc bpf_throw").relocs).toEqual([{ insn: 0, kind: "kfunc", name: "bpf_throw" }]);
});

test("the offset of a member of a kernel structure is the loader's to fill in", () => {
  const { insns, relocs } = assemble("r1 = 5\nr2 = *(u32 *)(r1 + sk_buff.len)");
  expect(insns[1]).toEqual({ code: 0x61, dst: 2, src: 1, off: 0, imm: 0 });
  expect(relocs).toEqual([{ insn: 1, kind: "field", field: "sk_buff.len" }]);
});
