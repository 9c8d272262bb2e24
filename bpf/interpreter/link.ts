import type { Insn } from "../insn.ts";
import { LD_IMM64 } from "../opcode.ts";
import type { Program } from "../program.ts";
import type { Xlated } from "../xlated.ts";
import type { Runnable } from "./runnable.ts";

/** Where things are. Throws, or returns what it likes, for names it does not know. */
export interface Addresses {
  /** of the struct bpf_map */
  map(name: string): bigint;
  /** of the first byte of a map's (first) value */
  value(name: string): bigint;
  /** byte offset of `struct.member`; wanted only by programs that have such relocs */
  field?(name: string): number;
  /** of a kernel object; wanted only by Xlateds that refer to some */
  symbol?(name: string): bigint;
}

/** A program as loaded, made to run: its relocs become addresses. */
export function linkProgram({ name, insns, relocs, functions }: Program, addresses: Addresses): Runnable {
  const linked = insns.map((insn) => ({ ...insn }));
  const calls = new Map<number, string>();
  for (const reloc of relocs) {
    const { insn } = reloc;
    if (reloc.kind === "map") setWide(linked, insn, addresses.map(reloc.map));
    else if (reloc.kind === "value") setWide(linked, insn, addresses.value(reloc.map) + BigInt(reloc.off));
    else if (reloc.kind === "kfunc") calls.set(insn, reloc.name);
    else linked[insn].off = known(addresses.field, "offsets of members")(reloc.field);
  }
  return { name, insns: linked, functions, calls };
}

/** A program as the verifier hands it on, made to run. */
export function linkXlated({ insns, functions, mapRefs, symbolRefs, calls }: Xlated, addresses: Addresses): Runnable {
  const linked = insns.map((insn) => ({ ...insn }));
  for (const { insn, map, kind, off } of mapRefs) {
    setWide(linked, insn, (kind === "map" ? addresses.map(map) : addresses.value(map)) + BigInt(off));
  }
  for (const { insn, symbol, addend } of symbolRefs) {
    const address = known(addresses.symbol, "addresses of symbols")(symbol) + BigInt(addend);
    if (linked[insn].code === LD_IMM64) setWide(linked, insn, address);
    else linked[insn].imm = Number(BigInt.asIntN(32, address));
  }
  return { name: functions[0]?.name, insns: linked, functions, callees: "index", calls };
}

function setWide(insns: Insn[], slot: number, value: bigint): void {
  insns[slot].imm = Number(BigInt.asIntN(32, value));
  insns[slot + 1].imm = Number(BigInt.asIntN(32, value >> 32n));
}

function known<T>(lookup: ((name: string) => T) | undefined, what: string): (name: string) => T {
  if (!lookup) throw new TypeError(`the program wants ${what}, which were not given`);
  return lookup;
}
