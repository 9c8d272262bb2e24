import { iced } from "./iced.ts";

/** One machine instruction in words. */
export interface AsmLine {
  /** bytes from the start of the code */
  offset: number;
  /** bytes */
  length: number;
  /** AT&T text as the kernel's selftests write it */
  text: string;
}

/** Machine code in AT&T syntax; `address` is where bytes[0] is. Bytes that are no instruction come out as `.byte`. */
export function disassemble(bytes: Uint8Array, address: bigint): AsmLine[] {
  const { Decoder, DecoderOptions, Formatter, FormatterSyntax, Instruction } = iced();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = address;
  const formatter = new Formatter(FormatterSyntax.Gas);
  formatter.hexPrefix = "0x";
  formatter.uppercaseHex = false;
  formatter.spaceAfterOperandSeparator = true;
  formatter.smallHexNumbersInDecimal = false;
  formatter.gasShowMnemonicSizeSuffix = true;
  formatter.branchLeadingZeros = false;
  formatter.leadingZeros = false;
  const insn = new Instruction();
  const lines: AsmLine[] = [];
  while (decoder.canDecode) {
    const offset = decoder.position;
    decoder.decodeOut(insn);
    const text = insn.isInvalid ? `.byte 0x${bytes[offset].toString(16)}` : formatter.format(insn);
    const length = insn.isInvalid ? 1 : insn.length;
    if (insn.isInvalid) decoder.position = offset + 1;
    lines.push({ offset, length, text });
  }
  insn.free();
  formatter.free();
  decoder.free();
  return lines;
}

/** The one instruction at `offset`. */
export function disassembleAt(bytes: Uint8Array, address: bigint, offset: number): string {
  const window = bytes.subarray(offset, offset + 15);
  return disassemble(window, address + BigInt(offset))[0]?.text ?? "(end of code)";
}
