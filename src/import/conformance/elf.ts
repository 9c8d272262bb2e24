import { UserError } from "../../error.ts";

const HEADER_SIZE = 64;
const SECTION_SIZE = 64;
const EM_BPF = 247;
const SHT_PROGBITS = 1;
const SHT_RELA = 4;
const SHT_REL = 9;
const SHF_EXECINSTR = 4n;

/**
 * The instructions of an object that holds one program without maps, as bpf_conformance writes them for --elf: the first section
 * of code. Little-endian ELF64 (include/uapi/linux/elf.h). Throws UserError.
 */
export function codeOfElf(bytes: Uint8Array): Uint8Array {
  const wrong = (what: string): never => {
    throw new UserError(`the ELF object ${what}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < HEADER_SIZE) wrong(`is cut short: ${bytes.length} bytes`);
  if (view.getUint32(0, false) !== 0x7f454c46) wrong("does not begin with 7f 45 4c 46");
  if (bytes[4] !== 2 || bytes[5] !== 1) wrong("is not of 64 bits, little-endian");
  if (view.getUint16(18, true) !== EM_BPF) wrong(`is not for BPF, but for machine ${view.getUint16(18, true)}`);
  const table = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  if (view.getUint16(58, true) !== SECTION_SIZE || table + count * SECTION_SIZE > bytes.length)
    wrong("is cut short: its section table lies beyond its end");
  const sections = Array.from({ length: count }, (_, i) => {
    const at = table + i * SECTION_SIZE;
    return {
      type: view.getUint32(at + 4, true),
      flags: view.getBigUint64(at + 8, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      info: view.getUint32(at + 44, true),
    };
  });
  const index = sections.findIndex(
    ({ type, flags, size }) => type === SHT_PROGBITS && flags & SHF_EXECINSTR && size > 0,
  );
  const code = sections[index] ?? wrong("has no section of code");
  if (sections.some(({ type, info, size }) => (type === SHT_REL || type === SHT_RELA) && info === index && size > 0))
    wrong("has relocations; expected a program without maps");
  if (code.offset + code.size > bytes.length) wrong("is cut short: its code lies beyond its end");
  return bytes.subarray(code.offset, code.offset + code.size);
}
