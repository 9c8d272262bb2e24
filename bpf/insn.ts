import { BPF_ALU, BPF_MOV, BPF_X } from "./opcode.ts";

/**
 * One 8-byte slot of `struct bpf_insn` (include/uapi/linux/bpf.h): code:8, dst_reg:4, src_reg:4, off:s16, imm:s32, little endian.
 * LD_IMM64 takes two slots, the second with `code` 0: indexes and jump offsets count slots, as the kernel does.
 */
export interface Insn {
  /** opcode byte, 0..255 */
  code: number;
  /** destination register, 0..15 (10 is the frame pointer, 11 is BPF_REG_AX) */
  dst: number;
  /** source register or pseudo source, 0..15 */
  src: number;
  /** signed 16 bits */
  off: number;
  /** signed 32 bits */
  imm: number;
}

export const INSN_SIZE = 8;

/** Bytes to instruction slots. Throws RangeError when the length is no multiple of 8. */
export function decodeInsns(bytes: Uint8Array): Insn[] {
  if (bytes.length % INSN_SIZE) throw new RangeError(`${bytes.length} bytes are no whole number of BPF instructions`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const insns: Insn[] = new Array(bytes.length / INSN_SIZE);
  for (let i = 0, o = 0; i < insns.length; i++, o += INSN_SIZE) {
    const regs = view.getUint8(o + 1);
    insns[i] = {
      code: view.getUint8(o),
      dst: regs & 15,
      src: regs >> 4,
      off: view.getInt16(o + 2, true),
      imm: view.getInt32(o + 4, true),
    };
  }
  return insns;
}

/** Instruction slots to bytes, the inverse of decodeInsns. Fields are truncated to their widths. */
export function encodeInsns(insns: readonly Insn[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * INSN_SIZE);
  const view = new DataView(bytes.buffer);
  insns.forEach((insn, i) => {
    const o = i * INSN_SIZE;
    view.setUint8(o, insn.code);
    view.setUint8(o + 1, (insn.dst & 15) | (insn.src << 4));
    view.setInt16(o + 2, insn.off, true);
    view.setInt32(o + 4, insn.imm, true);
  });
  return bytes;
}

/** The 64-bit immediate of the LD_IMM64 that starts at `slot`, unsigned. */
export function imm64(insns: readonly Insn[], slot: number): bigint {
  return (BigInt(insns[slot + 1].imm >>> 0) << 32n) | BigInt(insns[slot].imm >>> 0);
}

/** Whether the verifier wrote it to clear the upper half for a JIT that does not do so by itself (insn_is_zext, include/linux/filter.h). */
export const isZext = ({ code, dst, src, off, imm }: Insn): boolean =>
  code === (BPF_ALU | BPF_MOV | BPF_X) && dst === src && off === 0 && imm === 1;
