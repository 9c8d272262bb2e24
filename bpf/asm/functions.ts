import type { FuncInfo } from "../program.ts";
import type { Labels } from "./labels.ts";
import type { Parser } from "./parser.ts";

/** The start of the text, and every label that is called or whose address is taken, in order of start. */
export function nameFunctions(parser: Parser, labels: Labels, entry: string): FuncInfo[] {
  if (parser.insns.length === 0) return [];
  const names = new Map<number, string | undefined>([[0, undefined]]);
  for (const fixup of parser.fixups) {
    if (!fixup.isFunction) continue;
    const start = labels.slotOf(fixup)!;
    const name = fixup.token.kind === "local" ? undefined : fixup.token.text;
    names.set(start, names.get(start) ?? name);
  }
  for (const [label, slot] of labels.slots) if (names.has(slot)) names.set(slot, names.get(slot) ?? label);
  const starts = [...names.keys()].sort((a, b) => a - b);
  const free = (name: string): string => (labels.slots.has(name) ? free(`${name}_`) : name);
  return starts.map((start, i) => ({ name: names.get(start) ?? free(start === 0 ? entry : `f${i}`), start }));
}
