import { expect, test } from "vitest";
import type { Image } from "../../../../bpf/image.ts";
import type { X86Profile } from "../../../../jit/profile.ts";
import { BPF_TRAMP_F_RESTORE_REGS, type TrampolineInput, wordsModel } from "../../../../jit/trampoline.ts";
import { sizeTrampoline } from "../../../../jit/x86/trampoline/compile.ts";
import { disassemble } from "../../../../src/import/x86/disassemble.ts";
import { addressOf, nameAt, profileOf } from "../function.ts";

/** Where the trampoline under test goes. */
export const ADDRESS = 0xffffffffc0001000n;
/** The traced function, and what is behind its patch site: an endbr64 is in front of that. */
export const FUNC = addressOf("traced");
export const BODY = FUNC + 9n;
/** struct bpf_tramp_image, and struct bpf_prog of programs 1 and 2 */
export const IMAGE = 0xffff888100000100n;
export const PROG = [0xffffc90000001000n, 0xffffc90000002000n];

/** Program 1 or 2. */
export const link = (index: 1 | 2) => ({ prog: PROG[index - 1], entry: addressOf(`program_${index}`) });

/** What a test says about a trampoline; by default it calls nothing and goes on to a function with one argument. */
export type Setting = Partial<Omit<TrampolineInput, "links">> & { links?: Partial<TrampolineInput["links"]> };

export function compileTrampoline({ links, ...setting }: Setting, profile: X86Profile): Image {
  const input: TrampolineInput = {
    name: "bpf_trampoline_1",
    model: wordsModel(1),
    flags: BPF_TRAMP_F_RESTORE_REGS,
    func: FUNC,
    body: BODY,
    image: IMAGE,
    ...setting,
    links: { fentry: [], fmodRet: [], fexit: [], ...links },
  };
  const symbol = (name: string): bigint => profile.percpu.symbols[name] ?? addressOf(name);
  return sizeTrampoline(input, profile, symbol).emit(ADDRESS);
}

/** "BYTES  TEXT" of each instruction in AT&T syntax; where branches go is a kernel function's name, or an offset from the start. */
export function linesOf(image: Image): string[] {
  return disassemble(image.bytes, image.address).map(({ offset, length, text }) => {
    const bytes = Buffer.from(image.bytes.subarray(offset, offset + length))
      .toString("hex")
      .replace(/..(?=.)/g, "$& ");
    const named = text.replace(/^(j\w+|callq?) 0x([0-9a-f]+)$/, (_, op: string, target: string) => {
      const address = BigInt(`0x${target}`);
      const name = nameAt(address) ?? (nameAt(address - 9n) && `${nameAt(address - 9n)}+9`);
      return `${op} ${name ?? `+${address - image.address}`}`;
    });
    return `${bytes}  ${named}`;
  });
}

/**
 * Specifies a trampoline's machine code: lines of bytes and instruction, with the why behind #. A line of only `..` stands for any
 * instructions; `..` in the bytes for any byte.
 */
export function trampoline(title: string, profile: string, setting: Setting, text: string): void {
  test(`${title} (${profile})`, () => {
    const wanted = text
      .split("\n")
      .map((line) => line.replace(/\s*#.*/, "").trim())
      .filter(Boolean)
      .map((line) => line.replace(/\s{2,}/, "  "));
    const actual = linesOf(compileTrampoline(setting, profileOf(profile)));
    expect(alike(actual, wanted)).toEqual(wanted);
  });
}

/** The actual lines with what does not matter as the wanted ones have it. */
function alike(actual: readonly string[], wanted: readonly string[]): string[] {
  const result: string[] = [];
  let at = 0;
  wanted.forEach((line, i) => {
    if (line === "..") {
      result.push("..");
      const next = wanted[i + 1];
      while (next && at < actual.length && masked(actual[at], next) !== next) at++;
      if (!next) at = actual.length;
    } else if (at < actual.length) result.push(masked(actual[at++], line));
  });
  return [...result, ...actual.slice(at)];
}

/** `..` in place of the bytes where the wanted line has it. */
function masked(actual: string, wanted: string): string {
  const [bytes, text] = actual.split("  ");
  const like = wanted.split("  ")[0].split(" ");
  const own = bytes.split(" ");
  if (like.length !== own.length) return actual;
  return `${own.map((byte, i) => (like[i] === ".." ? ".." : byte)).join(" ")}  ${text}`;
}
