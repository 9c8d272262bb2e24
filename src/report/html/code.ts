import type { World } from "../../runner/build.ts";
import { type CodeLine, listImage } from "../../runner/code-listing.ts";
import { Instructions } from "../../runner/trace/instructions.ts";
import type { CodeRow, FunctionCode } from "./page/data.ts";

/** The machine code of all functions as it is in memory now, with the BPF instructions that it was made from. */
export function functionsOf({ session: { machine }, book }: World): FunctionCode[] {
  const { nameOf } = new Instructions(machine, book);
  return machine.functions.map(({ image }) => {
    const bytes = machine.memory.read(image.address, image.bytes.length);
    return {
      name: image.name,
      address: image.address.toString(16),
      size: bytes.length,
      lines: listImage({ ...image, bytes }, book, nameOf).map(rowOf),
    };
  });
}

function rowOf({ offset, bytes, asm, note, from }: CodeLine): CodeRow {
  const row: CodeRow = { offset, bytes: Buffer.from(bytes).toString("hex"), asm };
  if (note) row.note = note;
  if (from.length) row.bpf = from.map(({ insn, text, line }) => (line ? { insn, text, line } : { insn, text }));
  return row;
}
