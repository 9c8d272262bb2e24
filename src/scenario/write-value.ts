import type { Scalar } from "yaml";
import type { BlessedValue } from "./bless.ts";

/** A value inside { }, [ ] or behind a colon, on one line. Text is quoted where YAML would read it as something else. */
export function flow(value: BlessedValue): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "string") return `[${value.map(flow).join(", ")}]`;
  return /^(?:-?\d+|0x[0-9a-fA-F]+|null|\[[\w\s,-]*\]|[A-Za-z_][\w./#+-]*|(?:[0-9a-f]{2} )+[0-9a-f]{2})$/.test(value)
    ? value
    : JSON.stringify(value);
}

/** How the new value of a scalar is written: in the old one's base and style as far as it can take it. */
export function scalarText(
  old: Scalar.Parsed,
  oldText: string,
  value: BlessedValue,
  keyIndent: number,
  inFlow: boolean,
): string {
  if (old.type === "BLOCK_LITERAL" || (typeof value === "string" && value.includes("\n") && !inFlow))
    return block(oldText, String(value), keyIndent);
  if (typeof value === "object") return flow(value);
  const number = toInteger(value);
  if (number !== undefined && /^0x/i.test(oldText)) return hexLike(oldText, number);
  if (number !== undefined && oldText.startsWith("-")) return String(BigInt.asIntN(64, number));
  return flow(value);
}

function toInteger(value: bigint | string): bigint | undefined {
  return typeof value === "bigint" ? value : /^-?\d+$|^0x[0-9a-fA-F]+$/.test(value) ? BigInt(value) : undefined;
}

function hexLike(old: string, value: bigint): string {
  const digits = BigInt.asUintN(64, value)
    .toString(16)
    .padStart(old.startsWith("0x0") ? old.length - 2 : 1, "0");
  return `0x${/[A-F]/.test(old.slice(2)) ? digits.toUpperCase() : digits}`;
}

/** A literal block; the old one's indentation and header are kept. */
function block(old: string, value: string, keyIndent: number): string {
  const [oldHeader, ...oldLines] = old.split("\n");
  const isBlock = oldHeader.startsWith("|");
  const first = isBlock ? oldLines.find((line) => line.trim() !== "") : undefined;
  const explicit = /\d/.exec(isBlock ? oldHeader : "");
  const indent = explicit ? keyIndent + Number(explicit[0]) : (first?.search(/\S/) ?? keyIndent + 2);
  let header = isBlock ? oldHeader.trimEnd() : "|";
  if (!explicit && value.startsWith(" ")) header = header.replace("|", `|${indent - keyIndent}`);
  const lines = value.replace(/\n+$/, "").split("\n");
  const body = lines.map((line) => (line === "" ? "" : " ".repeat(indent) + line)).join("\n");
  const blank = isBlock ? (/\n([ \t]*\n)+$/.exec(old)?.[0].slice(1) ?? "") : "";
  return `${header}\n${body}${isBlock ? `\n${blank}` : ""}`;
}
