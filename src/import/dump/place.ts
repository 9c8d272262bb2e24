import { takeApart } from "../recognise/code.ts";
import { findFunctions, MOST_FUNCTIONS } from "../recognise/functions.ts";
import { type Recognised, recognise } from "../recognise/recognise.ts";
import type { Dump, DumpedFunction } from "./dump.ts";

/** Where code goes whose address nobody knows, and what such functions are aligned to. */
const ASSUMED = 0xffffffffc0001000n;
const ALIGN = 0x40n;
/** Farther from a function than this (bytes), a call leaves the memory of modules and of BPF. */
const NEAR = 0x8000000n;

/** Functions of a dump at addresses. */
export interface PlacedDump {
  functions: Recognised[];
  notes: string[];
}

/**
 * All functions of a dump, those taken apart that its tool did not keep apart, each at its address: the dump's, or what the calls between them
 * tell, or one that is made up.
 */
export function placeDump({ functions, notes }: Dump): PlacedDump {
  const pieces = functions.flatMap(split).slice(0, MOST_FUNCTIONS);
  const more = [...notes];
  const names = uniqueNames(pieces);
  const missing = pieces.filter(({ address }) => address === undefined).length;
  const addresses = missing ? assign(pieces, more) : pieces.map(({ address }) => address!);
  return { functions: pieces.map(({ bytes }, i) => recognise(names[i], addresses[i], bytes)), notes: more };
}

/** What the tool names is a function; of what it does not, every function that the bytes show. */
function split(fn: DumpedFunction): DumpedFunction[] {
  if (fn.name !== undefined) return [fn];
  const starts = findFunctions(fn.bytes);
  return starts.map((start, i) => {
    const bytes = fn.bytes.subarray(start, starts[i + 1] ?? fn.bytes.length);
    const part = { ...fn, bytes: i + 1 < starts.length ? withoutFill(bytes) : bytes };
    return fn.address === undefined ? part : { ...part, address: fn.address + BigInt(start) };
  });
}

/** int3 behind the last instruction fills the pack; the one behind a jump or return is the function's. */
function withoutFill(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 1 && bytes[end - 1] === 0xcc && bytes[end - 2] === 0xcc) end--;
  return bytes.subarray(0, end);
}

function uniqueNames(functions: readonly DumpedFunction[]): string[] {
  const seen = new Map<string, number>();
  return functions.map(({ name = "function" }, i) => {
    const plain = name === "function" ? `function#${i}` : name;
    const before = seen.get(plain) ?? 0;
    seen.set(plain, before + 1);
    return before ? `${plain}#${before}` : plain;
  });
}

/** Addresses for those that have none: what the calls of the others lead to, in order; what is left behind the last. */
function assign(functions: readonly DumpedFunction[], notes: string[]): bigint[] {
  const addresses: (bigint | undefined)[] = functions.map(({ address }) => address);
  if (!addresses.some((address) => address !== undefined)) addresses[0] = ASSUMED;
  for (;;) {
    const unknown = addresses.flatMap((address, i) => (address === undefined ? [i] : []));
    const targets = calledPlaces(functions, addresses);
    if (!unknown.length || !targets.length) break;
    unknown.slice(0, targets.length).forEach((index, i) => {
      addresses[index] = targets[i];
    });
  }
  const inferred = addresses.filter((address, i) => address !== undefined && functions[i].address === undefined).length;
  let next = ASSUMED;
  for (const [i, address] of addresses.entries())
    if (address !== undefined && address + BigInt(functions[i].bytes.length) > next)
      next = (address + BigInt(functions[i].bytes.length) + ALIGN) & ~(ALIGN - 1n);
  const assigned = addresses.map((address, i) => {
    if (address !== undefined) return address;
    const here = next;
    next = (here + BigInt(functions[i].bytes.length) + ALIGN) & ~(ALIGN - 1n);
    return here;
  });
  notes.push(
    inferred > 1
      ? `addresses are not in the dump: the first is made up, ${inferred - 1} follow from calls (--kallsyms FILE gives real ones)`
      : "addresses are not in the dump and made up (--kallsyms FILE or --at ADDRESS gives real ones)",
  );
  return assigned;
}

/** Places near by that functions with an address call, and at which none is yet; upwards. */
function calledPlaces(functions: readonly DumpedFunction[], addresses: readonly (bigint | undefined)[]): bigint[] {
  const taken = (at: bigint): boolean =>
    addresses.some((from, i) => from !== undefined && at >= from && at < from + BigInt(functions[i].bytes.length));
  const found = new Set<bigint>();
  functions.forEach(({ bytes }, i) => {
    const address = addresses[i];
    if (address === undefined) return;
    for (const { hex, target } of takeApart(bytes).pieces) {
      if (target === undefined || !hex.startsWith("e8")) continue;
      const at = address + BigInt(target);
      if (at - address < NEAR && address - at < NEAR && !taken(at)) found.add(at);
    }
  });
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}
