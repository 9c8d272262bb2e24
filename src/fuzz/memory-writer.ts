import * as O from "../../bpf/opcode.ts";
import type { FunctionWriter } from "./function-writer.ts";
import { type Gene, VALUES } from "./genome.ts";

const SIZES = [O.BPF_DW, O.BPF_W, O.BPF_H, O.BPF_B];
const BYTES = [8, 4, 2, 1];
const FETCHES = [O.BPF_ADD, O.BPF_AND, O.BPF_OR, O.BPF_XOR];

/** Name of the array that all programs share. */
export const DATA = "data";

/** Somewhere in memory: R10, or a register with the address of a map's value. */
interface Place {
  base: number;
  off: number;
}

/** Choose a place; `keep`: registers that are needed still. */
function place(f: FunctionWriter, inMap: boolean, slot: number, within: number, ...keep: number[]): Place {
  if (!inMap && f.stack.slots > 0) {
    const chosen = slot % f.stack.slots;
    f.stack.ensure(chosen);
    return { base: 10, off: f.stack.offset(chosen) + within };
  }
  const base = f.scalars.scratch(...keep);
  f.code.value(base, DATA, 8 * (slot % VALUES));
  return { base, off: within };
}

/** A load or a store of any size, on the stack or in the map. */
export function writeAccess(f: FunctionWriter, kind: "load" | "store", [, a, b, c, imm]: Gene): void {
  const { code, scalars } = f;
  const which = (a >> 1) & 3;
  const within = BYTES[which] * ((a >> 5) % (8 / BYTES[which]));
  const inMap = (a & 1) === 1;
  if (kind === "load") {
    const { base, off } = place(f, inMap, b, within);
    const signed = f.around.dialect.v4 && (a & 0x10) !== 0 && which > 0;
    code.put(O.BPF_LDX | (signed ? O.BPF_MEMSX : O.BPF_MEM) | SIZES[which], scalars.target(c), base, off);
  } else if (c & 0x80) {
    const { base, off } = place(f, inMap, b, within);
    code.put(O.BPF_ST | O.BPF_MEM | SIZES[which], base, 0, off, imm);
  } else {
    const src = scalars.source(c);
    const { base, off } = place(f, inMap, b, within, src);
    code.put(O.BPF_STX | O.BPF_MEM | SIZES[which], base, src, off);
  }
}

/** An atomic operation of 4 or 8 bytes. */
export function writeAtomic(f: FunctionWriter, [, a, b, c]: Gene): void {
  const { code, scalars } = f;
  const { dialect } = f.around;
  const size = c & 1 ? O.BPF_W : O.BPF_DW;
  const within = c & 1 ? 4 * ((c >> 1) & 1) : 0;
  const src = scalars.source(b);
  const operations = [
    ...(dialect.atomics ? FETCHES : [O.BPF_ADD]),
    ...(dialect.atomics ? [...FETCHES.map((op) => op | O.BPF_FETCH), O.BPF_XCHG, O.BPF_CMPXCHG] : []),
    ...(dialect.acquire ? [O.BPF_LOAD_ACQ, O.BPF_STORE_REL] : []),
  ];
  const operation = operations[(a >> 1) % operations.length];
  if (operation === O.BPF_CMPXCHG && !scalars.has(0)) {
    code.move(0, b);
    scalars.written |= 1;
  }
  const { base, off } = place(f, (a & 1) === 1, a >> 4, within, src, 0);
  if (operation === O.BPF_LOAD_ACQ) code.put(O.BPF_STX | O.BPF_ATOMIC | size, src, base, off, operation);
  else code.put(O.BPF_STX | O.BPF_ATOMIC | size, base, src, off, operation);
}
