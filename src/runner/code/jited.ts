import { type AsmLine, disassemble } from "../../import/x86/disassemble.ts";
import type { TextLine } from "./lines.ts";

/** A function's machine code at its address. */
export interface FunctionCode {
  address: bigint;
  bytes: Uint8Array;
}

/**
 * Machine code as the selftests' get_jited_program_text() writes it: `func #0:` and the function's instructions in LLVM's AT&T
 * syntax, targets inside the function as local labels L0, L1, ... by address, an empty line behind each function.
 */
export function jitedLines(functions: readonly FunctionCode[]): TextLine[] {
  return functions.flatMap((code, i) => [{ text: `func #${i}:` }, ...functionLines(code), { text: "" }]);
}

function functionLines({ address, bytes }: FunctionCode): TextLine[] {
  const lines = disassemble(bytes, address);
  const labels = localLabels(lines, address, bytes.length);
  return lines.map((line) => {
    const own = labels.get(address + BigInt(line.offset));
    const label = own === undefined ? "" : `${own}: `;
    const local = line.target === undefined ? undefined : labels.get(line.target);
    if (local !== undefined) return { text: label + line.text.replace(/0x[0-9a-f]+$/, local) };
    const text = label + line.text;
    const pattern = text.replace(KERNEL_ADDRESS, "{{.*}}");
    return pattern === text ? { text } : { text, pattern };
  });
}

/** Where kernel objects are: what a file writes of it would change with the next map. */
const KERNEL_ADDRESS = /\$?0xffff[89a-f][0-9a-f]{11}\b/;

function localLabels(lines: readonly AsmLine[], address: bigint, length: number): Map<bigint, string> {
  const end = address + BigInt(length);
  const targets = lines.flatMap(({ target }) =>
    target !== undefined && target >= address && target < end ? [target] : [],
  );
  const sorted = [...new Set(targets)].sort((a, b) => (a < b ? -1 : 1));
  return new Map(sorted.map((target, i) => [target, `L${i}`]));
}
