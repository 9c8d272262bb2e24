import { isElf, readElf, SHF_EXECINSTR, SHT_PROGBITS } from "../../../bpf/elf/file.ts";
import { BpfObject } from "../../../bpf/elf/object.ts";
import { encodeInsns } from "../../../bpf/insn.ts";
import { PROG_TYPE_SOCKET_FILTER } from "../../../bpf/program.ts";
import { FormatError } from "../../../bpf/reader.ts";
import { UserError } from "../../error.ts";

/**
 * The instructions of an object that holds one program without maps, as bpf_conformance writes them for --elf: the first section of code,
 * or, where its calls have relocations, its first program with the functions it calls. Throws UserError.
 */
export function codeOfElf(bytes: Uint8Array): Uint8Array {
  try {
    if (!isElf(bytes)) throw new FormatError("ELF object", "expected to begin with 7f 45 4c 46", 0);
    const code = readElf(bytes).sections.find(
      ({ type, flags, bytes: own }) => type === SHT_PROGBITS && flags & SHF_EXECINSTR && own.length,
    );
    if (!code) throw new FormatError("ELF object", "has no section of code");
    return code.relocations.length ? linkedCode(bytes) : code.bytes;
  } catch (error) {
    if (error instanceof FormatError) throw new UserError(error.message, {}, { cause: error });
    throw error;
  }
}

function linkedCode(bytes: Uint8Array): Uint8Array {
  const object = new BpfObject(bytes);
  const [first] = object.programs;
  if (!first) throw new FormatError("ELF object", "has relocations, but no program");
  const { insns, relocs } = object.link(first, PROG_TYPE_SOCKET_FILTER);
  if (relocs.length) throw new FormatError("ELF object", "has relocations; expected a program without maps");
  return encodeInsns(insns);
}
