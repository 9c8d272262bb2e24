import { isElf, readElf, SHF_EXECINSTR, SHT_PROGBITS } from "../../../bpf/elf/file.ts";
import { BpfObject } from "../../../bpf/elf/object.ts";
import { encodeInsns } from "../../../bpf/insn.ts";
import { PROG_TYPE_SOCKET_FILTER } from "../../../bpf/program.ts";
import { FormatError } from "../../../bpf/reader.ts";
import { UserError } from "../../error.ts";

/**
 * The instructions of an object's first program with the functions that it calls; of an object without programs, as bpf_conformance writes them
 * for --elf, the first section of code. No maps. Throws UserError.
 */
export function codeOfElf(bytes: Uint8Array): Uint8Array {
  try {
    if (!isElf(bytes)) throw new FormatError("ELF object", "expected to begin with 7f 45 4c 46", 0);
    const object = new BpfObject(bytes);
    return object.programs.length ? linkedCode(object) : firstCode(bytes);
  } catch (error) {
    if (error instanceof FormatError) throw new UserError(error.message, {}, { cause: error });
    throw error;
  }
}

function firstCode(bytes: Uint8Array): Uint8Array {
  const code = readElf(bytes).sections.find(
    ({ type, flags, bytes: own }) => type === SHT_PROGBITS && flags & SHF_EXECINSTR && own.length,
  );
  if (!code) throw new FormatError("ELF object", "has no section of code");
  if (code.relocations.length)
    throw new FormatError("ELF object", `has relocations in section ${code.name}, but no program`);
  return code.bytes;
}

function linkedCode(object: BpfObject): Uint8Array {
  const { insns, relocs } = object.link(object.programs[0], PROG_TYPE_SOCKET_FILTER);
  if (relocs.length) throw new FormatError("ELF object", "refers to maps or variables; expected a program without");
  return encodeInsns(insns);
}
