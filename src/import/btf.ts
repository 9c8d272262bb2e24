import { Btf } from "../../bpf/btf/btf.ts";
import { isElf, readElf } from "../../bpf/elf/file.ts";
import { FormatError } from "../../bpf/reader.ts";
import { checked, readBinary } from "./object.ts";

/** A kernel's types: raw BTF (/sys/kernel/btf/vmlinux), or an ELF object with a section .BTF. Throws UserError. */
export function readBtf(file: string): Btf {
  return checked(file, () => {
    const bytes = readBinary(file, "BTF");
    if (!isElf(bytes)) return new Btf(bytes);
    const section = readElf(bytes).sections.find(({ name }) => name === ".BTF");
    if (!section) throw new FormatError("ELF object", "has no section .BTF");
    return new Btf(section.bytes, "section .BTF");
  });
}
