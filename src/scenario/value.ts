import type { MapValue, ValueStyle } from "./scenario.ts";

/** The integer that bytes spell, little endian, unsigned. */
export function bytesInteger(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return value;
}

/** A value the way the file writes it, for messages and for bless: `34`, `de ad be ef`, `[1, 2]`, a program's name, `null`. */
export function formatValue(value: MapValue): string {
  if (value.kind === "absent") return "null";
  if (value.kind === "program") return value.name;
  if (value.kind === "perCpu") return `[${value.values.map(bytesInteger).join(", ")}]`;
  return formatBytes(value.bytes, value.style);
}

/** Bytes written in a style; an integer is unsigned, little endian. */
export function formatBytes(bytes: Uint8Array, style: ValueStyle): string {
  if (style.as === "integer") return String(bytesInteger(bytes));
  if (style.as === "hex") return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const words: bigint[] = [];
  for (let at = 0; at < bytes.length; at += style.word) words.push(bytesInteger(bytes.subarray(at, at + style.word)));
  return `[${words.join(", ")}]`;
}
