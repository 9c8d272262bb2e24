import { isMap, isPair, isScalar, type Node, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import type { BlessedValue } from "./bless.ts";
import type { Place } from "./path.ts";
import { flow, scalarText } from "./write-value.ts";

/** Characters start..end of the file's text become `text`. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** A new value where one is. */
export function replacement(text: string, { node, trail, inFlow }: Place, value: BlessedValue): Edit {
  const start = startOf(node);
  const end = isScalar(node) ? (node as Scalar.Parsed).range[1] : endOf(text, node);
  const pair = trail.at(-1)?.pair;
  if (isScalar(node)) {
    const old = text.slice(start, end);
    const space = start === end && text[start - 1] === ":" ? " " : "";
    return {
      start,
      end,
      text: space + scalarText(node as Scalar.Parsed, old, value, column(text, startOf(pair?.key ?? node)), inFlow),
    };
  }
  if (text[start] !== "-" || typeof value !== "object") return { start, end, text: flow(value) };
  const separator = `\n${" ".repeat(column(text, start))}`;
  return { start, end, text: value.map((item) => `- ${flow(item)}`).join(separator) };
}

/** A key that isn't there yet. `expect` goes above `breaks`, anything else to the end of its mapping. */
export function insertion(text: string, { node, trail, rest }: Place, value: BlessedValue): Edit {
  if (!isMap<Node, Node | null>(node)) throw new Error(`${rest.join(".")} cannot be added here`);
  const [key, ...inner] = rest;
  const content = inner.reduceRight((nested, name) => `{ ${name}: ${nested} }`, flow(value));
  const last = node.items.at(-1);
  if (node.flow) {
    const at = last ? endOf(text, last) : startOf(node) + 1;
    return { start: at, end: at, text: last ? `, ${key}: ${content}` : ` ${key}: ${content} ` };
  }
  const margin = " ".repeat(column(text, startOf(node)));
  const atRoot = trail.length === 0;
  const lines = atRoot && inner.length ? `${key}:\n  ${content.slice(2, -2)}\n` : `${margin}${key}: ${content}\n`;
  const breaks =
    key === "expect" && atRoot
      ? node.items.find((pair) => isScalar(pair.key) && pair.key.value === "breaks")
      : undefined;
  const at = breaks
    ? aboveComments(text, lineStart(text, startOf(breaks.key)))
    : nextLine(text, endOf(text, last ?? node));
  const missing = at > 0 && text[at - 1] !== "\n" ? "\n" : "";
  return { start: at, end: at, text: missing + (!atRoot ? lines : breaks ? `${lines}\n` : `\n${lines}`) };
}

/** The pair goes, and with it each mapping that it leaves empty. Nothing to do for what isn't there. */
export function removal(text: string, { trail, rest }: Place): Edit | undefined {
  if (rest.length) return undefined;
  const { map, pair } = trail.findLast((step) => step.map.items.length > 1) ?? trail[0];
  const i = map.items.indexOf(pair);
  if (!map.flow) return { start: lineStart(text, startOf(pair.key)), end: nextLine(text, endOf(text, pair)), text: "" };
  const next = map.items[i + 1] as Pair<Node> | undefined;
  if (next) return { start: startOf(pair.key), end: startOf(next.key), text: "" };
  const before = map.items[i - 1] as Pair<Node> | undefined;
  return { start: before ? endOf(text, before) : startOf(pair.key), end: endOf(text, pair), text: "" };
}

const startOf = (node: Node | null) => node?.range?.[0] ?? 0;

/** Behind the last character that isn't white space: block collections and block scalars go on to the next line. */
function endOf(text: string, of: Node | Pair | null): number {
  if (isPair(of)) return endOf(text, (of.value ?? of.key) as Node);
  const collection = of as YAMLMap | YAMLSeq | null;
  const last = collection && "items" in collection && !collection.flow ? collection.items.at(-1) : undefined;
  if (last) return endOf(text, last as Node | Pair);
  return text.slice(0, of?.range?.[1] ?? 0).trimEnd().length;
}

const lineStart = (text: string, at: number) => text.lastIndexOf("\n", at - 1) + 1;
const nextLine = (text: string, at: number) => text.indexOf("\n", at) + 1 || text.length;
const column = (text: string, at: number) => at - lineStart(text, at);

/** The start of the comment lines right above a line. */
function aboveComments(text: string, start: number): number {
  if (start === 0) return 0;
  const above = lineStart(text, start - 1);
  return /^[ \t]*#/.test(text.slice(above, start)) ? aboveComments(text, above) : start;
}
