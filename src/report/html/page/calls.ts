import { type CallItem, parseCalls } from "./call-lines.ts";
import { h } from "./dom.ts";

/** The tree of calls and tail calls; what calls something can be folded. */
export function callTree(text: string): HTMLElement {
  return list(parseCalls(text), "calls");
}

const list = (items: readonly CallItem[], name?: string): HTMLElement =>
  h("ul", { class: name }, ...items.map((item) => h("li", { class: item.kind }, ...contents(item))));

function contents({ text, children }: CallItem): Node[] {
  const label = h("span", {}, text);
  if (!children.length) return [label];
  return [h("details", { open: true }, h("summary", {}, label), list(children))];
}
