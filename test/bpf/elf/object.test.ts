import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { disassemble } from "../../../bpf/disasm/disassemble.ts";
import { BpfObject } from "../../../bpf/elf/object.ts";
import { PROG_TYPE_SCHED_CLS } from "../../../bpf/program.ts";

const object = (name: string, clang = "clang-14") =>
  new BpfObject(readFileSync(new URL(`../../fixtures/objects/${clang}/${name}.bpf.o`, import.meta.url)));

describe.each(["clang-14", "clang-19"])("what %s writes", (clang) => {
  const simple = object("simple", clang);

  test("maps declared by types, and the array of an initialized variable", () => {
    expect(simple.maps.map(({ def }) => def)).toEqual([
      { name: ".bss", type: 2, keySize: 4, valueSize: 4, maxEntries: 1 },
      { name: "jmp_table", type: 3, keySize: 4, valueSize: 4, maxEntries: 1 },
    ]);
    expect(simple.variables).toEqual([{ name: "count", map: ".bss", offset: 0, size: 4 }]);
  });

  test("a program, with the function that it calls behind it", () => {
    const [entry] = simple.programs;
    expect(entry).toMatchObject({ name: "entry", section: "tc", kind: { type: PROG_TYPE_SCHED_CLS } });
    const program = simple.link(entry, PROG_TYPE_SCHED_CLS);
    expect(program.functions).toEqual([
      { name: "entry", start: 0 },
      { name: "subprog_tail", start: 12 },
    ]);
    const text = disassemble(program.insns, { functions: program.functions, relocs: program.relocs });
    expect(text.filter(Boolean)).toEqual([
      "r6 = r1",
      "r1 = .bss[0] ll",
      "r2 = *(u32 *)(r1 + 0)",
      "w2 += 1",
      "*(u32 *)(r1 + 0) = r2",
      "r1 = r6",
      "call subprog_tail",
      "r1 = r6",
      "call subprog_tail",
      "r0 = 1",
      "exit",
      "r6 = r1",
      "r7 = jmp_table ll",
      "r1 = r6",
      "r2 = r7",
      "r3 = 0",
      "call bpf_tail_call",
      "exit",
    ]);
  });

  test("the C line of each instruction, for functions of .text too", () => {
    const { lineInfo } = simple.link(simple.programs[0], PROG_TYPE_SCHED_CLS);
    expect(lineInfo).toContainEqual({ slot: 1, file: "simple.c", line: 19, column: 7, text: "\tcount++;" });
    const call = { file: "simple.c", line: 10, column: 2, text: "\tbpf_tail_call_static(skb, &jmp_table, 0);" };
    expect(lineInfo).toContainEqual({ slot: 13, ...call });
  });
});
