import { JitError } from "../error.ts";
import type { X86Profile } from "../profile.ts";
import type { Code } from "./code.ts";

/** What it takes to emit code at an address: for functions and trampolines alike. */
export interface Emitter {
  c: Code;
  profile: X86Profile;
  /** what errors call the code */
  name: string;
  /** slot of the BPF instruction that is being compiled, -1 where none is to blame */
  slot: number;
  /** address of the first byte; only meaningful in the final pass */
  base: bigint;
  symbol(name: string): bigint;
  /** addresses of features.callThunks */
  thunks: Set<bigint>;
}

/** rel32 from the end of a 5-byte instruction that starts at the current position to an absolute address. */
export function relative(e: Emitter, target: bigint, length = 5): number {
  if (!e.c.final) return 0;
  const rel = target - (e.base + BigInt(e.c.pos + length));
  const wrapped = BigInt.asIntN(64, rel);
  if (wrapped !== BigInt.asIntN(32, wrapped))
    throw new JitError(
      `${e.name}: 0x${target.toString(16)} is out of the reach of a rel32 at 0x${e.base.toString(16)}`,
      e.slot,
    );
  return Number(wrapped);
}
