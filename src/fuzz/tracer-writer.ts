import * as O from "../../bpf/opcode.ts";
import { PROG_TYPE_TRACING, type Program } from "../../bpf/program.ts";
import { CodeWriter } from "./code-writer.ts";
import { VALUES } from "./genome.ts";
import { DATA } from "./memory-writer.ts";

/** Adds what a function is given, but for the context, and what it returns, to the values that all programs share. */
export function writeTracer(name: string, attach: NonNullable<Program["attach"]>, nargs: number): Program {
  const code = new CodeWriter();
  const add = (word: number): void => code.put(O.BPF_STX | O.BPF_ATOMIC | O.BPF_DW, 2, 3, 8 * word, O.BPF_ADD);
  code.value(2, DATA, 0);
  const first = 1;
  const words = attach.type === "fexit" ? nargs + 1 : nargs;
  for (let word = first; word < words; word++) {
    code.put(O.BPF_LDX | O.BPF_MEM | O.BPF_DW, 3, 1, 8 * word);
    add(word);
  }
  code.move(3, 1);
  add(VALUES - 1);
  code.move(0, 0);
  code.put(O.EXIT, 0);
  const { insns, relocs } = code;
  return { name, type: PROG_TYPE_TRACING, insns, relocs, functions: [{ name, start: 0 }], attach };
}
