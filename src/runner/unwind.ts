import type { Image } from "../../bpf/image.ts";
import { RBP, RIP, RSP } from "../../emulator/engine.ts";
import { RETURN_TO_KERNEL } from "../../emulator/layout.ts";
import type { Machine } from "../../emulator/machine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { disassemble } from "../import/x86/disassemble.ts";

/**
 * How a function's caller is found from `offset` on. The CFA is the address behind the return address: 8 or 16 above rsp, or, once the
 * frame is made, 16 above rbp. `saved`: the caller's rbp lies under the return address.
 */
export interface UnwindRow {
  offset: number;
  base: "rsp" | "rbp";
  above: 8 | 16;
  saved: boolean;
}

const CALLED = { base: "rsp", above: 8, saved: false } as const;
const PUSHED = { base: "rsp", above: 16, saved: true } as const;
const FRAMED = { base: "rbp", above: 16, saved: true } as const;

/** What leaves a function, behind the instruction that undid its frame. */
const LEAVES = /^(ret|jmp\b|int3|ud2)/;

const known = new WeakMap<Image, UnwindRow[]>();

/** The rows of a function, by what its instructions do to rbp. */
export function unwindRows(image: Image): readonly UnwindRow[] {
  let rows = known.get(image);
  if (!rows) {
    rows = rowsOf(image);
    known.set(image, rows);
  }
  return rows;
}

function rowsOf(image: Image): UnwindRow[] {
  const rows: UnwindRow[] = [{ offset: 0, ...CALLED }];
  const add = (offset: number, row: Omit<UnwindRow, "offset">): void => {
    rows.push({ offset, ...row });
  };
  for (const { offset, length, text } of disassemble(image.bytes, image.address)) {
    const { base, saved } = rows[rows.length - 1];
    const next = offset + length;
    if (text === "pushq %rbp" && !saved) add(next, PUSHED);
    else if (text === "movq %rsp, %rbp" && saved) add(next, FRAMED);
    else if (text === "leave" || (text === "popq %rbp" && saved)) add(next, CALLED);
    else if (LEAVES.test(text) && base === "rsp" && rows.some((row) => row.base === "rbp")) add(next, FRAMED);
  }
  return rows.filter(({ offset }) => offset === 0 || offset < image.bytes.length);
}

/** A BPF function that is under way. Where its frame is not made yet, or not any more, `made` says what of it there is. */
export interface UnwoundFrame {
  func: PlacedFunction;
  /** of its frame, or what it will be */
  rbp: bigint;
  made: "all" | "ret" | "ret and rbp";
}

/** The CFA of a function that executes, at its present instruction. */
export function cfaAt(
  { engine: { regs } }: Machine,
  { func, offset }: { func: PlacedFunction; offset: number },
): bigint {
  const { base, above } = rowAt(func.image, offset);
  return regs[base === "rbp" ? RBP : RSP] + BigInt(above);
}

const rowAt = (image: Image, at: number): UnwindRow => unwindRows(image).findLast(({ offset }) => offset <= at)!;

/** Quadwords that a function of the kernel may have pushed. */
const KERNEL_PUSHES = 64n;

/** The BPF functions under way, innermost first, as far as the stack tells. Throws GuestFault where it leads into nothing. */
export function unwind(machine: Machine): UnwoundFrame[] {
  const { regs } = machine.engine;
  const frames: UnwoundFrame[] = [];
  let rbp = regs[RBP];
  let rsp = regs[RSP];
  let pc = regs[RIP];
  let at = machine.functionAt(pc);
  while (pc !== RETURN_TO_KERNEL) {
    if (!at) {
      const top = returnAbove(machine, rsp);
      if (top === undefined) break;
      rsp = top + 8n;
      at = machine.functionAt(machine.memory.load(top, 8) - 1n)!;
    }
    const { offset, func } = at;
    const row = rowAt(func.image, offset);
    const cfa = (row.base === "rbp" ? rbp : rsp) + BigInt(row.above);
    frames.push({ func, rbp: cfa - 16n, made: row.base === "rbp" ? "all" : row.saved ? "ret and rbp" : "ret" });
    if (row.saved) rbp = machine.memory.load(cfa - 16n, 8);
    pc = machine.memory.load(cfa - 8n, 8);
    at = machine.functionAt(pc - 1n);
    rsp = cfa;
  }
  return frames;
}

/** Where a function of the kernel, which may have pushed things, has its return address into a BPF function. */
function returnAbove(machine: Machine, rsp: bigint): bigint | undefined {
  for (let at = rsp; at < rsp + 8n * KERNEL_PUSHES && machine.memory.isMapped(at, 8); at += 8n)
    if (machine.callSite(machine.memory.load(at, 8)) !== undefined) return at;
  return undefined;
}
