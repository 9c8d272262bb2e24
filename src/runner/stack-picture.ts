import type { FrameSlot } from "../../bpf/image.ts";
import { RSP } from "../../emulator/engine.ts";
import type { Machine } from "../../emulator/machine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { shortName } from "../scenario/point.ts";
import { unwind } from "./unwind.ts";

/**
 * The frames of all BPF functions under way, outermost first, as the mailing list draws them: return address, saved rbp, BPF
 * stack in bytes, then what the prologue pushed. A count shows its value, a pointer the frame that it points into. Frames of the
 * same function are numbered, from the outermost: entry:1. A trampoline's frame shows what it holds, a function whose
 * frame is not made what there is of it.
 */
export function drawStack(machine: Machine): string {
  const { regs } = machine.engine;
  const frames = unwind(machine);
  frames.reverse();
  const names = numbered(frames.map(({ func }) => shortName(func.image.name)));
  const owner = (pointer: bigint): string => {
    const index = frames.findLastIndex(({ rbp: base }) => pointer < base);
    return pointer > (frames[index + 1]?.rbp ?? regs[RSP] - 1n) ? (names[index] ?? "?") : "?";
  };
  const width = Math.max(...names.map((name) => name.length));
  const lines = frames.map(({ func, rbp: base, made }, i) => {
    const cells = made === "all" ? cellsOf(machine, func, base, owner) : made.split(" and ");
    return `${names[i].padEnd(width)} | ${cells.join(" | ")} |\n`;
  });
  return lines.join("");
}

/** Names that occur more than once get a number: entry:1, entry:2. */
function numbered(names: readonly string[]): string[] {
  return names.map((name, i) => {
    if (names.indexOf(name) === names.lastIndexOf(name)) return name;
    return `${name}:${names.slice(0, i + 1).filter((other) => other === name).length}`;
  });
}

function cellsOf(
  machine: Machine,
  { image }: PlacedFunction,
  rbp: bigint,
  owner: (pointer: bigint) => string,
): string[] {
  const cells = ["ret", "rbp"];
  const depth = image.frame?.depth ?? 0;
  const rsp = machine.engine.regs[RSP];
  if (depth && rbp - BigInt(depth) >= rsp) cells.push(`${depth} bytes`);
  image.frame?.slots.forEach((slot, i) => {
    const at = rbp - BigInt(depth + 8 * (i + 1));
    // what is below the stack pointer has been popped, or is not pushed yet
    if (at >= rsp) cells.push(cell(slot, machine.memory.load(at, 8), owner));
  });
  return cells;
}

/** Above this a count slot holds a pointer: the function was tail-called by a subprogram (tcc-ptr). */
const MAX_TAIL_CALL_CNT = 33n;

function cell({ kind, name, high }: FrameSlot, value: bigint, owner: (pointer: bigint) => string): string {
  if (kind === "saved" || kind === "value") return name;
  if (high) return `${name} ${value >> 32n}`;
  if (kind === "count" && value <= MAX_TAIL_CALL_CNT) return `${name} ${value}`;
  return `tcc_ptr ${owner(value)}`;
}
