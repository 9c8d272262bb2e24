import type { Memory } from "../../../bpf/memory.ts";
import type { SuiteHelpers } from "../execution.ts";

const u8 = (value: bigint): bigint => value & 0xffn;
const MEMFROB = 42n;

/** The helpers that ubpf's test program registers, by number (vm/test.c and bpf_conformance's ubpf plugin). */
const NAMES = ["gather_bytes", "memfrob", "trash_registers", "sqrti", "strcmp_ext", "unwind"].map(
  (name) => `ubpf_${name}`,
);

/** The one that ends a program where it returns 0. */
export const UNWIND = 5;

export const helperName = (id: number): string | undefined => NAMES[id];

/** Bytes up to the NUL. */
function* text(memory: Memory, at: bigint): Generator<bigint> {
  for (let address = at; ; address++) {
    const byte = memory.load(address, 1);
    if (byte === 0n) return;
    yield byte;
  }
}

export const UBPF_HELPERS: SuiteHelpers = {
  ubpf_gather_bytes: ([a, b, c, d, e]) => (u8(a) << 32n) | (u8(b) << 24n) | (u8(c) << 16n) | (u8(d) << 8n) | u8(e),
  ubpf_memfrob([at, length], memory) {
    for (let i = 0n; i < length; i++) memory.store(at + i, 1, memory.load(at + i, 1) ^ MEMFROB);
    return at;
  },
  ubpf_trash_registers: () => 0n,
  ubpf_sqrti: ([x]) => BigInt(Math.trunc(Math.sqrt(Number(x)))),
  ubpf_strcmp_ext([a, b], memory) {
    const left = [...text(memory, a)];
    const right = [...text(memory, b)];
    const at = left.findIndex((byte, i) => byte !== right[i]);
    return at < 0 ? -BigInt(right.length > left.length) : left[at] - (right[at] ?? 0n);
  },
  ubpf_unwind: ([x]) => x,
};
