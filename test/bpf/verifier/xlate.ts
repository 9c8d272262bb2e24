import { assemble } from "../../../bpf/asm/assemble.ts";
import { listXlated } from "../../../bpf/disasm/disassemble.ts";
import * as P from "../../../bpf/program.ts";
import { type KernelFeatures, linux6_12, verify } from "../../../bpf/verifier/index.ts";
import type { Xlated } from "../../../bpf/xlated.ts";

/** Maps that the tests' programs name. */
export const MAPS: P.MapDef[] = [
  { name: "array", type: P.MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 4 },
  { name: "wide", type: P.MAP_TYPE_ARRAY, keySize: 4, valueSize: 20, maxEntries: 3 },
  { name: "data", type: P.MAP_TYPE_ARRAY, keySize: 4, valueSize: 64, maxEntries: 1 },
  { name: "hash", type: P.MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: 4 },
  { name: "percpu_array", type: P.MAP_TYPE_PERCPU_ARRAY, keySize: 4, valueSize: 8, maxEntries: 4 },
  { name: "percpu_hash", type: P.MAP_TYPE_PERCPU_HASH, keySize: 4, valueSize: 8, maxEntries: 4 },
  { name: "jmp_table", type: P.MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 2 },
  { name: "jmp_table2", type: P.MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 2 },
];

export interface Setting {
  kernel?: KernelFeatures;
  /** enum bpf_prog_type; the default is a classifier */
  type?: number;
  attach?: P.Attach;
  others?: P.Program[];
}

export function program(text: string, { type = P.PROG_TYPE_SCHED_CLS, attach }: Setting = {}): P.Program {
  const { insns, functions, relocs, lines } = assemble(text, { maps: MAPS.map((m) => m.name) });
  return { name: "p", type, insns, functions, relocs, lines, attach };
}

export const xlate = (text: string, setting: Setting = {}): Xlated =>
  verify(program(text, setting), MAPS, setting.kernel ?? linux6_12, setting.others);

/** Assembly, a line an instruction, labels apart. */
export const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** What the verifier makes of a program, as assembly. */
export const xlatedText = (text: string, setting: Setting = {}): string[] => lines(listXlated(xlate(text, setting)));
