import type { FrameSlot } from "../../bpf/image.ts";
import { RBP, RIP } from "../../emulator/engine.ts";
import type { Machine, PlacedFunction } from "../../emulator/machine.ts";
import { shortName } from "./point.ts";

/** One frame of the stack, drawn. */
interface Frame {
  name: string;
  cells: string[];
}

/**
 * The frames of all BPF functions under way, outermost first, as the mailing list draws them: return address, saved rbp, BPF
 * stack in bytes, then what the prologue pushed. A count shows its value, a pointer the function whose frame it points into.
 * The machine stands at a function's first BPF instruction or later.
 */
export function drawStack(machine: Machine): string {
  const { regs } = machine.engine;
  const frames: { func: PlacedFunction; rbp: bigint }[] = [];
  let at = machine.functionAt(regs[RIP]);
  let rbp = regs[RBP];
  while (at) {
    frames.push({ func: at.func, rbp });
    at = machine.functionAt(machine.memory.load(rbp + 8n, 8) - 1n);
    rbp = machine.memory.load(rbp, 8);
  }
  const owner = (pointer: bigint): string => {
    const frame = frames.find(({ rbp: base }, i) => pointer < base && (i === 0 || pointer > frames[i - 1].rbp));
    return frame ? shortName(frame.func.image.name) : "?";
  };
  const drawn = frames.map(({ func, rbp: base }) => draw(machine, func, base, owner)).reverse();
  const width = Math.max(...drawn.map(({ name }) => name.length));
  return `${drawn.map(({ name, cells }) => `${name.padEnd(width)} | ${cells.join(" | ")} |`).join("\n")}\n`;
}

function draw(machine: Machine, { image }: PlacedFunction, rbp: bigint, owner: (pointer: bigint) => string): Frame {
  const cells = ["ret", "rbp"];
  const depth = image.frame?.depth ?? 0;
  if (depth) cells.push(`${depth} bytes`);
  image.frame?.slots.forEach((slot, i) => {
    cells.push(cell(slot, machine.memory.load(rbp - BigInt(depth + 8 * (i + 1)), 8), owner));
  });
  return { name: shortName(image.name), cells };
}

/** Above this a count slot holds a pointer: the function was tail-called by a subprogram (tcc-ptr). */
const MAX_TAIL_CALL_CNT = 33n;

function cell({ kind, name, high }: FrameSlot, value: bigint, owner: (pointer: bigint) => string): string {
  if (kind === "saved") return name;
  if (high) return `${name} ${value >> 32n}`;
  if (kind === "count" && value <= MAX_TAIL_CALL_CNT) return `${name} ${value}`;
  return `tcc_ptr ${owner(value)}`;
}
