/** `struct sock_filter` (include/uapi/linux/filter.h): code:u16, jt:u8, jf:u8, k:u32, little endian, 8 bytes. */
export interface ClassicInsn {
  code: number;
  /** instructions to skip when the comparison holds, and when it does not */
  jt: number;
  jf: number;
  /** unsigned 32 bits */
  k: number;
}

export const CLASSIC_INSN_SIZE = 8;

/** Bytes to instructions. Throws RangeError when the length is no multiple of 8. */
export function decodeClassic(bytes: Uint8Array): ClassicInsn[] {
  if (bytes.length % CLASSIC_INSN_SIZE)
    throw new RangeError(`${bytes.length} bytes are no whole number of classic BPF instructions`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / CLASSIC_INSN_SIZE }, (_, i) => {
    const o = i * CLASSIC_INSN_SIZE;
    return {
      code: view.getUint16(o, true),
      jt: view.getUint8(o + 2),
      jf: view.getUint8(o + 3),
      k: view.getUint32(o + 4, true),
    };
  });
}

/** Instructions to bytes, the inverse of decodeClassic. Fields are truncated to their widths. */
export function encodeClassic(insns: readonly ClassicInsn[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * CLASSIC_INSN_SIZE);
  const view = new DataView(bytes.buffer);
  insns.forEach(({ code, jt, jf, k }, i) => {
    const o = i * CLASSIC_INSN_SIZE;
    view.setUint16(o, code, true);
    view.setUint8(o + 2, jt);
    view.setUint8(o + 3, jf);
    view.setUint32(o + 4, k, true);
  });
  return bytes;
}
