import { decodeInsns } from "../../../bpf/insn.ts";
import type { MapDef, Program, ProgramSet, Reloc } from "../../../bpf/program.ts";
import type { ProgramsRecord, SourceProgram } from "./format.ts";

/** The set as it was loaded. */
export function sourceSet(record: ProgramsRecord): ProgramSet {
  return {
    name: record.set,
    maps: record.maps.map(
      ({ name, type, key, value, max }): MapDef => ({ name, type, keySize: key, valueSize: value, maxEntries: max }),
    ),
    programs: record.progs.map(sourceProgram),
    slots: (record.slots ?? []).map(({ map, idx, prog }) => ({ map, index: idx, prog })),
  };
}

function sourceProgram(record: SourceProgram): Program {
  const insns = decodeInsns(Buffer.from(record.insns, "hex"));
  const relocs = (record.relocs ?? []).map((reloc): Reloc => {
    if ("kfunc" in reloc) return { insn: reloc.insn, kind: "kfunc", name: reloc.kfunc };
    if ("field_offset" in reloc) return { insn: reloc.insn, kind: "field", field: reloc.field_offset };
    if (reloc.kind === "map") return { insn: reloc.insn, kind: "map", map: reloc.map };
    // the instruction's second half is what the kernel saw
    return { insn: reloc.insn, kind: "value", map: reloc.map, off: insns[reloc.insn + 1].imm };
  });
  return {
    name: record.name,
    type: record.type,
    insns,
    relocs,
    functions: (record.btf_funcs ?? []).map(({ name, insn, nargs }) => ({
      name,
      start: insn,
      ...(nargs === undefined || nargs < 0 ? {} : { nargs }),
    })),
    ...(record.attach ? { attach: record.attach } : {}),
  };
}
