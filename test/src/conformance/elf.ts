/** An object as bpf_conformance's writer makes it for --elf: a null section and .text. */
export function elfOf(code: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(64 + code.length + 2 * 64);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true); // ET_REL
  view.setUint16(18, 247, true); // EM_BPF
  view.setBigUint64(40, BigInt(64 + code.length), true); // e_shoff
  view.setUint16(58, 64, true); // e_shentsize
  view.setUint16(60, 2, true); // e_shnum
  bytes.set(code, 64);
  const text = 64 + code.length + 64;
  view.setUint32(text + 4, 1, true); // SHT_PROGBITS
  view.setBigUint64(text + 8, 6n, true); // SHF_ALLOC | SHF_EXECINSTR
  view.setBigUint64(text + 24, 64n, true); // sh_offset
  view.setBigUint64(text + 32, BigInt(code.length), true); // sh_size
  return bytes;
}
