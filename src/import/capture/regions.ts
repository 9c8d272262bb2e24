import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../../../emulator/engine.ts";
import { DIRECT_MAP_BASE, DIRECT_MAP_SIZE, TEXT_BASE, TEXT_SIZE } from "../../../emulator/layout.ts";
import { pageDown, pageUp } from "../../../emulator/memory.ts";
import type { CaptureRecord, ProgramsRecord } from "./format.ts";

export interface Region {
  start: bigint;
  size: bigint;
  prot: number;
}

const hex = (text: string): bigint => BigInt(`0x${text}`);
/** Ranges closer to each other than this are mapped as one: few mappings are cheaper than small ones. */
const GAP = 0x1000000n;
/** What a map takes at most besides its values. */
const MAP_HEADER = 4096n;

/** The memory that a set's addresses need besides the machine's own. */
export function captureRegions(record: CaptureRecord, source: ProgramsRecord, symbols: Iterable<bigint>): Region[] {
  const code: [bigint, bigint][] = [];
  for (const { funcs } of record.progs)
    for (const { addr, len } of funcs) code.push([hex(addr), BigInt(len) + 0x20000n]);
  for (const { addr, hex: bytes } of record.trampolines ?? []) code.push([hex(addr), BigInt(bytes.length / 2)]);
  const text: [bigint, bigint][] = [...symbols].map((address) => [address, 256n]);
  const data = source.maps.flatMap(({ name, value, max }): [bigint, bigint][] => {
    const map = record.maps[name];
    return map ? [[hex(map.addr), MAP_HEADER + BigInt(((value + 7) & ~7) * max)]] : [];
  });
  return [...merge([...code, ...text], PROT_READ | PROT_EXEC), ...merge(data, PROT_READ | PROT_WRITE)];
}

function merge(ranges: [bigint, bigint][], prot: number): Region[] {
  const sorted = ranges
    .map(([start, size]) => ({ start: pageDown(start), end: pageUp(start + size) }))
    .filter(({ start, end }) => !own(start, end))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const merged: { start: bigint; end: bigint }[] = [];
  for (const range of sorted) {
    const last = merged[merged.length - 1];
    if (last && range.start <= last.end + GAP) last.end = range.end > last.end ? range.end : last.end;
    else merged.push({ ...range });
  }
  return merged.map(({ start, end }) => ({ start, size: end - start, prot }));
}

/** Ranges that the machine maps anyway. */
function own(start: bigint, end: bigint): boolean {
  const inside = (base: bigint, size: bigint): boolean => start >= base && end <= base + size;
  return inside(TEXT_BASE, TEXT_SIZE) || inside(DIRECT_MAP_BASE, DIRECT_MAP_SIZE);
}
