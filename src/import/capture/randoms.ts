import { iced } from "../x86/iced.ts";

/**
 * The random numbers that blinded an image, in the order in which they were drawn: every blinded constant is loaded as
 * `mov r10, constant ^ random` and, right behind, `xor r10, random` (bpf_jit_blind_insn). Signed 32 bits.
 */
export function recoverRandoms(bytes: Uint8Array): number[] {
  const { Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register } = iced();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const insn = new Instruction();
  const randoms: number[] = [];
  let loaded = false;
  while (decoder.canDecode) {
    decoder.decodeOut(insn);
    const constant =
      (insn.op0Register === Register.R10 || insn.op0Register === Register.R10D) &&
      insn.opCount === 2 &&
      insn.op1Kind !== OpKind.Register &&
      insn.op1Kind !== OpKind.Memory;
    if (constant && loaded && insn.mnemonic === Mnemonic.Xor)
      randoms.push(Number(BigInt.asIntN(32, insn.immediate(1))));
    loaded = constant && insn.mnemonic === Mnemonic.Mov;
  }
  insn.free();
  decoder.free();
  return randoms;
}
