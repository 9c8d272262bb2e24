import { assembleClassic } from "../../../bpf/classic/asm/assemble.ts";
import { checkClassic } from "../../../bpf/classic/check.ts";
import { convertClassic } from "../../../bpf/classic/convert.ts";
import { listXlated } from "../../../bpf/disasm/disassemble.ts";
import { kernels } from "../../../bpf/verifier/index.ts";

/** What a kernel makes of a filter, as text: `|` separates the filter's lines, too. */
export function converted(text: string, kernel = "linux-6.12"): string[] {
  const { insns } = assembleClassic(text.replaceAll(/\s\|\s/g, "\n"));
  checkClassic(insns);
  const listing = listXlated(convertClassic(insns, kernels[kernel]));
  return listing
    .split("\n")
    .slice(1) // "filter:"
    .map((line) => line.trim())
    .filter((line) => line);
}

/** The lines of an expectation without their whys, which stand behind `;`. */
export const lines = (expected: string): string[] =>
  expected
    .split("\n")
    .map((line) => line.replace(/;.*/, "").trim())
    .filter((line) => line);

/** How every filter begins, without packet loads and with them, where Debian's kernels have the fields. */
export const PLAIN = ["w0 ^= w0", "w7 ^= w7", "r6 = r1"];
export const LOADING = [
  ...PLAIN,
  "r8 = *(u64 *)(r6 + 208)",
  "r9 = *(u32 *)(r6 + 112)",
  "r2 = *(u32 *)(r6 + 116)",
  "w9 -= w2",
];
