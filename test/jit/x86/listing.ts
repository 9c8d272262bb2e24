import type { Image } from "../../../bpf/image.ts";
import { disassemble } from "../../../src/import/x86/disassemble.ts";
import { nameAt } from "./function.ts";

/** The code of one slot, or of the prologue. */
export interface Block {
  /** -1: the prologue */
  slot: number;
  lines: Line[];
}

/** A machine instruction, or (without bytes) a label. */
export interface Line {
  bytes: string[];
  text: string;
}

/**
 * An image, block by block, in AT&T syntax. Where branches go is written as names: `L0` inside a block and at its end, `@3` or
 * the label of slot 3 in `labels`, and a kernel function's name. What is relative to rip is written with its address.
 */
export function blocksOf(image: Image, labels: ReadonlyMap<number, string>): Block[] {
  const insns = disassemble(image.bytes, image.address);
  const blocks: Block[] = [];
  for (let slot = -1; slot < image.ends.length - 1; slot++) {
    const start = slot < 0 ? 0 : image.ends[slot];
    const end = image.ends[slot + 1];
    const inside = insns.filter(({ offset }) => offset >= start && offset < end);
    const targetOf = (text: string): number | undefined => {
      const match = /^(?:j\w+|call\w?) 0x([0-9a-f]+)$/.exec(text);
      return match ? Number(BigInt(`0x${match[1]}`) - image.address) : undefined;
    };
    const slotAt = (target: number): number => image.ends.findIndex((at, i) => at === target && image.ends[i + 1] > at);
    const targets = inside.map(({ text }) => targetOf(text));
    const local = [...new Set(targets)]
      .filter((target) => target !== undefined && target > start && target <= end && !labels.has(slotAt(target)))
      .sort((a, b) => a! - b!);
    const nameOf = (target: number): string => {
      if (local.includes(target)) return `L${local.indexOf(target)}`;
      const at = slotAt(target);
      if (at >= 0) return labels.get(at) ?? `@${at}`;
      const address = image.address + BigInt(target);
      return nameAt(address) ?? `0x${address.toString(16)}`;
    };
    const lines = inside.flatMap(({ offset, length, text }, i): Line[] => {
      const bytes = [...image.bytes.subarray(offset, offset + length)].map((byte) =>
        byte.toString(16).padStart(2, "0"),
      );
      const target = targets[i];
      const next = image.address + BigInt(offset + length);
      const line = {
        bytes,
        text: target === undefined ? absolute(text, next) : `${text.split(" ")[0]} ${nameOf(target)}`,
      };
      return local.includes(offset) ? [{ bytes: [], text: `${nameOf(offset)}:` }, line] : [line];
    });
    if (local.includes(end)) lines.push({ bytes: [], text: `${nameOf(end)}:` });
    blocks.push({ slot, lines });
  }
  return blocks;
}

function absolute(text: string, rip: bigint): string {
  return text.replace(/(-?)0x([0-9a-f]+)\(%rip\)/, (_, minus: string, digits: string) => {
    const distance = BigInt(`0x${digits}`);
    return `0x${BigInt.asUintN(64, minus ? rip - distance : rip + distance).toString(16)}(%rip)`;
  });
}
