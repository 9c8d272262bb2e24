import type { FrameSlot } from "../../bpf/image.ts";
import { RBP, RIP, RSP } from "../../emulator/engine.ts";
import type { Machine, PlacedFunction } from "../../emulator/machine.ts";
import { shortName } from "../scenario/point.ts";

/**
 * The frames of all BPF functions under way, outermost first, as the mailing list draws them: return address, saved rbp, BPF
 * stack in bytes, then what the prologue pushed. A count shows its value, a pointer the frame that it points into. Frames of the
 * same function are numbered, from the outermost: entry:1. A trampoline's frame shows what it holds. The machine stands at a
 * function's first BPF instruction or later; where it doesn't, `from` says of the innermost frame to draw where its function is, and
 * its rbp.
 */
export function drawStack(machine: Machine, from?: { pc: bigint; rbp: bigint }): string {
  const { regs } = machine.engine;
  const frames: { func: PlacedFunction; rbp: bigint; bare?: boolean }[] = [];
  let at = machine.functionAt(from?.pc ?? regs[RIP]);
  let rbp = from?.rbp ?? regs[RBP];
  while (at) {
    frames.push({ func: at.func, rbp });
    const { func } = at;
    at = machine.functionAt(machine.memory.load(rbp + 8n, 8) - 1n);
    if (at && func.image.trampoline && at.offset < at.func.image.body && at.func.attached) {
      // called from the patch site: the traced function has no frame yet
      frames.push({ func: at.func, rbp: rbp + 8n, bare: true });
      at = machine.functionAt(machine.memory.load(rbp + 16n, 8) - 1n);
    }
    rbp = machine.memory.load(rbp, 8);
  }
  frames.reverse();
  const names = numbered(frames.map(({ func }) => shortName(func.image.name)));
  const owner = (pointer: bigint): string => {
    const index = frames.findLastIndex(({ rbp: base }) => pointer < base);
    return pointer > (frames[index + 1]?.rbp ?? regs[RSP] - 1n) ? (names[index] ?? "?") : "?";
  };
  const width = Math.max(...names.map((name) => name.length));
  const lines = frames.map(({ func, rbp: base, bare }, i) => {
    const cells = bare ? ["ret"] : cellsOf(machine, func, base, owner);
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
  if (depth) cells.push(`${depth} bytes`);
  image.frame?.slots.forEach((slot, i) => {
    cells.push(cell(slot, machine.memory.load(rbp - BigInt(depth + 8 * (i + 1)), 8), owner));
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
