import { createRequire } from "node:module";
import type * as Iced from "iced-x86";

const { Decoder, DecoderOptions, Formatter, FormatterSyntax, Instruction, MemorySizeOptions } = createRequire(
  import.meta.url,
)("iced-x86") as typeof Iced;

/** One machine instruction as iced-x86 reads it. */
export interface Decoded {
  offset: number;
  length: number;
  /**
   * `lock xadd qword ptr [rdi+r12*1-8], rsi`: Intel's syntax; immediates are signed and decimal, displacement and scale never
   * left out. A branch is written as its distance from its end: `je +5`. Bytes that are no instruction are `(bad)`.
   */
  text: string;
}

/** Every instruction of some machine code. */
export function decodeAll(bytes: Uint8Array): Decoded[] {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const formatter = intel();
  const insn = new Instruction();
  const decoded: Decoded[] = [];
  for (let offset = 0; decoder.canDecode; ) {
    decoder.decodeOut(insn);
    const end = offset + insn.length;
    decoded.push({ offset, length: end - offset, text: relative(formatter.format(insn), end) });
    offset = end;
  }
  insn.free();
  formatter.free();
  decoder.free();
  return decoded;
}

function intel(): Iced.Formatter {
  const formatter = new Formatter(FormatterSyntax.Intel);
  formatter.numberBase = 10;
  formatter.signedImmediateOperands = true;
  formatter.showZeroDisplacements = true;
  formatter.alwaysShowScale = true;
  formatter.showBranchSize = false;
  formatter.memorySizeOptions = MemorySizeOptions.Always;
  formatter.spaceAfterOperandSeparator = true;
  return formatter;
}

/** A branch's target, counted from `end` */
function relative(text: string, end: number): string {
  const [, name, target] = /^(j\w+|call) (\d+)$/.exec(text) ?? [];
  if (!name) return text;
  const distance = BigInt.asIntN(64, BigInt(target) - BigInt(end));
  return `${name} ${distance < 0n ? "" : "+"}${distance}`;
}
