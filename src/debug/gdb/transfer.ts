import { hexNumber } from "./packet.ts";

/** A part of an object, as `qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH` asks for it: `m` before it, or `l` if it is the last. */
export function transfer(object: string | undefined, range: string): string {
  if (object === undefined) return "E00";
  const [offset, length] = range.split(",").map(hexNumber);
  if (offset === undefined || length === undefined) return "E01";
  const bytes = Buffer.from(object, "utf8").toString("latin1");
  const from = Number(offset);
  const end = from + Math.min(Number(length), MOST);
  return `${end < bytes.length ? "m" : "l"}${bytes.slice(from, end)}`;
}

const MOST = 1 << 16;

/** Whole-memory description: what is mapped, and nothing else is there. */
export function memoryMapXml(ranges: readonly { start: bigint; end: bigint }[]): string {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  return `<?xml version="1.0"?>
<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">
<memory-map>
${ranges.map(({ start, end }) => `<memory type="ram" start="${hex(start)}" length="${hex(end - start)}"/>`).join("\n")}
</memory-map>
`;
}
