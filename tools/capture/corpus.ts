import type { ProgramsRecord, SourceProgram } from "../../src/import/capture/format.ts";

/** Why the guest cannot do a set; undefined: it can. */
export function unsupported({ progs }: ProgramsRecord): string | undefined {
  return progs.some(({ attach }) => attach) ? "attaches trampolines, whose code bpf(2) does not show" : undefined;
}

/** Sets of programs in the words of init.c. */
export function programsText(sets: readonly ProgramsRecord[]): string {
  return sets.map(setText).join("");
}

function setText({ set, maps, progs, slots = [], runs = [], flags = [] }: ProgramsRecord): string {
  const lines = [
    `set ${set}`,
    ...maps.map(({ name, type, key, value, max }) => `map ${name} ${type} ${key} ${value} ${max}`),
    ...progs.flatMap(programLines),
    ...slots.map(({ map, idx, prog }) => `slot ${map} ${idx} ${prog}`),
  ];
  if (!flags.includes("norun"))
    for (const { prog, data_len, init } of runs) {
      for (const { map, idx, hex } of init) lines.push(`init ${map} ${idx} ${hex}`);
      lines.push(`run ${prog} ${data_len}`);
    }
  return `${[...lines, "end"].join("\n")}\n`;
}

function programLines({ name, type, insns, relocs = [], btf_funcs = [] }: SourceProgram): string[] {
  return [
    `prog ${name} ${type} ${insns}`,
    ...relocs.map((reloc) => {
      if ("kfunc" in reloc) return `kfunc ${reloc.insn} ${reloc.kfunc}`;
      if ("field_offset" in reloc) return `field ${reloc.insn} ${reloc.field_offset.replace(".", " ")}`;
      return `reloc ${reloc.insn} ${reloc.kind} ${reloc.map}`;
    }),
    ...btf_funcs.map((fn) => `func ${fn.name} ${fn.insn} ${fn.nargs ?? -1}`),
  ];
}
