import { expect, it } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { compile, functionOf, profileOf, type Setting } from "./function.ts";
import { blocksOf, type Line } from "./listing.ts";

interface Expected {
  /** 1-based line of the BPF instruction; 0: the prologue */
  line: number;
  code: Line[];
}

const PROLOGUE = "prologue";
const NOTHING = "(nothing)";

/**
 * Specifies machine code. The text is a BPF program; below an instruction, indented, stands the code that it must become:
 *
 *     prologue
 *       55              pushq %rbp          # why
 *     r0 = 1
 *       b8 01 00 00 00  movl $0x1, %eax
 *     exit
 *
 * `prologue` stands for what comes before the first instruction; `(nothing)` for no code at all. An instruction with nothing
 * below it may become anything. `..` is any byte. Branches name their target as listing.ts does.
 */
export function jited(title: string, profiles: string | string[], setting: Setting, text: string): void {
  for (const profile of [profiles].flat())
    it(`${title} (${profile})`, () => expectJited(profileOf(profile), setting, text));
}

/** The same for a profile that has no name. */
export function expectJited(profile: X86Profile, setting: Setting, text: string): void {
  const { bpf, blocks } = parse(text);
  const { lines, labels } = assemble(bpf);
  const image = compile(functionOf(bpf, setting), profile);
  const actual = blocksOf(image, new Map([...labels].map(([name, slot]) => [slot, name])));
  const is: string[] = [];
  const wanted: string[] = [];
  for (const { line, code } of blocks) {
    const head = line ? bpf.split("\n")[line - 1].trim() : PROLOGUE;
    const block = actual.find(({ slot }) => (line ? lines[slot] === line : slot < 0));
    is.push(head, ...(block?.lines ?? []).map((each, i) => written(each, code[i])));
    wanted.push(head, ...code.map((each) => written(each)));
  }
  expect(is).toEqual(wanted);
}

/** A line of code as text, with `..` for bytes that do not matter. */
function written({ bytes, text }: Line, like?: Line): string {
  const shown = bytes.map((byte, i) => (like?.bytes.length === bytes.length && like.bytes[i] === ".." ? ".." : byte));
  return `  ${shown.join(" ")}  ${text}`;
}

function parse(text: string): { bpf: string; blocks: Expected[] } {
  const lines = text.split("\n").map((line) => line.replace(/\s*#.*/, ""));
  const margin = Math.min(...lines.filter((line) => line.trim()).map((line) => line.search(/\S/)));
  const blocks: Expected[] = [];
  let block: Expected | undefined;
  const bpf = lines.map((line, index) => {
    const content = line.trim();
    if (!content) return "";
    if (line.search(/\S/) > margin) {
      if (!block) throw new Error(`code without a BPF instruction above it: ${content}`);
      if (!block.code.length) blocks.push(block);
      if (content !== NOTHING) block.code.push(codeLine(content));
      return "";
    }
    block = { line: content === PROLOGUE ? 0 : index + 1, code: [] };
    return content === PROLOGUE ? "" : content;
  });
  return { bpf: bpf.join("\n"), blocks };
}

function codeLine(content: string): Line {
  const match = /^((?:[0-9a-f.]{2} )*[0-9a-f.]{2})(?:\s{2,}(.*))?$/.exec(content);
  return { bytes: match ? match[1].split(" ") : [], text: (match ? (match[2] ?? "") : content).replace(/\s+/g, " ") };
}
