import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Btf } from "../../../bpf/btf/btf.ts";
import { disassemble } from "../../../bpf/disasm/disassemble.ts";
import { BpfObject } from "../../../bpf/elf/object.ts";
import { PROG_TYPE_SOCKET_FILTER } from "../../../bpf/program.ts";

// core.c asks for places in struct thing; core_kernel.c is a kernel that has them elsewhere.

const read = (name: string, clang: string) =>
  new BpfObject(readFileSync(new URL(`../../fixtures/objects/${clang}/${name}.bpf.o`, import.meta.url)));

describe.each(["clang-14", "clang-19"])("CO-RE relocations that %s wrote", (clang) => {
  const object = read("core", clang);
  const kernel = read("core_kernel", clang).btf;

  function listing(name: string, types: Btf | undefined): string[] {
    const program = object.link(object.programs.find((one) => one.name === name)!, PROG_TYPE_SOCKET_FILTER, types);
    const options = { functions: program.functions, relocs: program.relocs };
    return [
      ...disassemble(program.insns, options).filter(Boolean),
      ...(program.unresolved ?? []).map(({ what }) => what),
    ];
  }

  /** What the program `offsets` stores, by variable. */
  function stored(types: Btf | undefined): Record<string, number> {
    const values: Record<string, number> = {};
    let value = 0;
    for (const line of listing("offsets", types)) {
      value = Number(/^r1 = (-?\d+)( ll)?$/.exec(line)?.[1] ?? value);
      const at = /^r2 = \.bss\[0\](?: \+ (\d+))? ll$/.exec(line);
      const variable =
        at && object.variables.find(({ map, offset }) => map === ".bss" && offset === Number(at[1] ?? 0));
      if (variable) values[variable.name] = value;
    }
    return values;
  }

  test("without a kernel's types: as if it had the object's own", () => {
    expect(stored(undefined)).toEqual({
      moved: 8, // behind a long
      second: 12 + 2 * 8 + 4, // inner[2].second
      nameless: 52,
      size: 56,
      exists_removed: 1,
      exists_gone: 1,
      exists_old: 0, // struct thing has no `renamed`
      green: 2,
      flag_lshift: 61, // bits 0-2 of the word, to the top
      flag_rshift: 61,
      narrowed_size: 4,
    });
  });

  test("on a kernel with other layouts", () => {
    expect(stored(kernel)).toEqual({
      moved: 164,
      second: 32 + 2 * 16 + 8, // behind first's new place, elements of 16 bytes
      nameless: 24, // in a union now
      size: 176,
      exists_removed: 0,
      exists_gone: 0,
      exists_old: 0,
      green: 5,
      flag_lshift: 56, // bits 5-7
      flag_rshift: 61,
      narrowed_size: 2,
    });
  });

  test("a load takes the kernel's place and width", () => {
    expect(listing("load", undefined)).toContain("r2 = *(u32 *)(r1 + 48)");
    expect(listing("load", kernel)).toEqual([
      "r1 = .bss[0] + 88 ll",
      "r2 = *(u16 *)(r1 + 168)",
      "r0 = *(u32 *)(r1 + 164)",
      "w0 += w2",
      "exit",
    ]);
  });

  test("a member that the kernel hasn't got becomes a call that no verifier accepts, and says which it was", () => {
    expect(listing("unguarded", kernel)).toEqual([
      "r1 = .bss[0] + 88 ll",
      "call 195896080",
      "exit",
      "struct thing, removed is not in the kernel's types",
    ]);
  });
});
