import type { Formatter, Instruction } from "iced-x86";
import { iced } from "./iced.ts";
import { inLlvmsWords } from "./llvm.ts";

/** One machine instruction in words. */
export interface AsmLine {
  /** bytes from the start of the code */
  offset: number;
  /** bytes */
  length: number;
  /** AT&T text as LLVM, and so the kernel's selftests, write it */
  text: string;
  /** where a direct jump or call goes */
  target?: bigint;
}

/** Machine code in AT&T syntax; `address` is where bytes[0] is. Bytes that are no instruction come out as `.byte`. */
export function disassemble(bytes: Uint8Array, address: bigint): AsmLine[] {
  const { Decoder, DecoderOptions, Instruction } = iced();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = address;
  const formatter = newFormatter();
  const insn = new Instruction();
  const lines: AsmLine[] = [];
  while (decoder.canDecode) {
    const offset = decoder.position;
    decoder.decodeOut(insn);
    if (insn.isInvalid) {
      decoder.position = offset + 1;
      lines.push({ offset, length: 1, text: `.byte 0x${bytes[offset].toString(16).padStart(2, "0")}` });
      continue;
    }
    const line: AsmLine = { offset, length: insn.length, text: inLlvmsWords(insn, formatter) };
    const target = targetOf(insn);
    if (target !== undefined) line.target = target;
    lines.push(line);
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

function newFormatter(): Formatter {
  const { Formatter, FormatterSyntax } = iced();
  const formatter = new Formatter(FormatterSyntax.Gas);
  formatter.hexPrefix = "0x";
  formatter.uppercaseHex = false;
  formatter.spaceAfterOperandSeparator = true;
  formatter.smallHexNumbersInDecimal = false;
  formatter.gasShowMnemonicSizeSuffix = true;
  formatter.branchLeadingZeros = false;
  formatter.leadingZeros = false;
  formatter.ripRelativeAddresses = true;
  return formatter;
}

function targetOf(insn: Instruction): bigint | undefined {
  const { OpKind } = iced();
  return insn.opCount === 1 && insn.op0Kind === OpKind.NearBranch64 ? insn.nearBranchTarget : undefined;
}
