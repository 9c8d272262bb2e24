import type { Formatter, Instruction } from "iced-x86";
import { iced } from "./iced.ts";

/**
 * AT&T text of an instruction as LLVM's disassembler writes it with PrintImmHex, as the kernel's selftests do: immediates that
 * the CPU sign-extends have a sign, shifts by one name no count, imul names its source, `leave` has no suffix.
 */
export function inLlvmsWords(insn: Instruction, formatter: Formatter): string {
  const { Code, Mnemonic, OpKind } = iced();
  if (insn.mnemonic === Mnemonic.Leave) return "leave";
  if (insn.mnemonic === Mnemonic.Nop && insn.opCount === 0) return "nop";
  formatter.signedImmediateOperands = isSignExtended(insn);
  const text = formatter.format(insn);
  if (Code[insn.code].endsWith("_1")) return text.replace("$0x1, ", "");
  if (insn.mnemonic === Mnemonic.Imul && insn.opCount === 3 && insn.op1Kind === OpKind.Register)
    return withSource(text, insn);
  return text.replace(/([ :])0xffffffff([89a-f][0-9a-f]{7})(?=[(,]|$)/, negative);
}

function isSignExtended(insn: Instruction): boolean {
  const { OpKind } = iced();
  for (let i = 0; i < insn.opCount; i++)
    switch (insn.opKind(i)) {
      case OpKind.Immediate8:
      case OpKind.Immediate8to16:
      case OpKind.Immediate8to32:
      case OpKind.Immediate8to64:
      case OpKind.Immediate32to64:
        return true;
    }
  return false;
}

/** `imulq $0x7, %rdi` is short for `imulq $0x7, %rdi, %rdi`. */
function withSource(text: string, insn: Instruction): string {
  return insn.op0Register === insn.op1Register ? `${text}, ${text.slice(text.lastIndexOf("%"))}` : text;
}

/** An absolute address in the upper half is a negative displacement: `%gs:-0x24cfd8`. Targets of branches stay addresses. */
function negative(all: string, before: string, low: string, at: number, text: string): string {
  if (/^(j|call|loop)/.test(text) && at === text.indexOf(" ")) return all;
  return `${before}-0x${(2 ** 32 - Number.parseInt(low, 16)).toString(16)}`;
}
