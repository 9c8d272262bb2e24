import type { Image } from "../../bpf/image.ts";
import { RBP, RSP } from "../../emulator/engine.ts";
import type { Machine } from "../../emulator/machine.ts";
import { GuestFault } from "../../emulator/memory.ts";
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

/** The rows of a function, by what its instructions do to rbp. */
export function unwindRows(image: Image): UnwindRow[] {
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

/**
 * The innermost frame that is made, at the machine's present instruction: where its function is, and its rbp. `unmade`: the function that
 * executes has made none yet, or has none any more. Undefined: no BPF function is under way, as far as the stack tells.
 */
export function innermostFrame(machine: Machine, pc: bigint): { pc: bigint; rbp: bigint; unmade?: string } | undefined {
  const { regs } = machine.engine;
  const { memory } = machine;
  const at = machine.functionAt(pc);
  const row = at ? unwindRows(at.func.image).findLast(({ offset }) => offset <= at.offset)! : CALLED;
  if (row.base === "rbp") return { pc, rbp: regs[RBP] };
  try {
    const cfa = regs[RSP] + BigInt(row.above);
    const caller = memory.load(cfa - 8n, 8) - 1n;
    if (!machine.functionAt(caller)) return undefined;
    const rbp = row.saved ? memory.load(cfa - 16n, 8) : regs[RBP];
    return { pc: caller, rbp, ...(at ? { unmade: at.func.image.name } : {}) };
  } catch (error) {
    if (error instanceof GuestFault) return undefined;
    throw error;
  }
}
