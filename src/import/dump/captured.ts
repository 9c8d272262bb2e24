import { UserError } from "../../error.ts";
import { hint } from "../../suggest.ts";
import { readCapture } from "../capture/read.ts";
import type { Dump } from "./dump.ts";

/** One set of a capture as a dump: all its programs' functions, with their slots filled. Throws UserError. */
export function dumpOfCapture(file: string, set: string | undefined): Dump {
  const { records, variant } = readCapture(file);
  const names = records.map((record) => record.set);
  const record = set === undefined && records.length === 1 ? records[0] : records.find((known) => known.set === set);
  if (set === undefined && !record)
    throw new UserError(`is a capture of ${records.length} sets; expected --entry with one of them, e.g. ${names[0]}`, {
      file,
    });
  if (!record) throw new UserError(`has no set "${set}"${hint(set!, names)}`, { file });
  const functions = record.progs.flatMap(({ name, funcs }) =>
    funcs.map(({ addr, hex, hex_final }, i) => ({
      name: i ? `${name}#${i}` : name,
      address: BigInt(`0x${addr}`),
      bytes: Uint8Array.from(Buffer.from(hex_final ?? hex, "hex")),
    })),
  );
  if (!functions.length) throw new UserError(`${record.set} has no machine code: the kernel interpreted it`, { file });
  return { format: `the set ${record.set} of ${variant}`, functions, bpf: [], notes: [] };
}
