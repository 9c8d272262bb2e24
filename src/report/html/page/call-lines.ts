/** A call of the tree, and what it led to. */
export interface CallItem {
  text: string;
  kind: "call" | "tail-call" | "refused" | "counts";
  children: CallItem[];
}

/** The tree of calls from its lines, which are indented by three characters a level. */
export function parseCalls(text: string): CallItem[] {
  const root: CallItem[] = [];
  const path: CallItem[][] = [root];
  for (const line of text.split("\n").filter(Boolean)) {
    const [, indent, rest] = /^((?:[│ ] {2})*(?:[├└]─ )?)(.*)$/.exec(line)!;
    const depth = indent.length / 3;
    const item: CallItem = { text: rest, kind: kindOf(rest), children: [] };
    path.length = depth + 1;
    path[depth].push(item);
    path.push(item.children);
  }
  return root;
}

function kindOf(text: string): CallItem["kind"] {
  if (/^\d+ calls?, /.test(text)) return "counts";
  if (text.startsWith("tail call not taken")) return "refused";
  return text.startsWith("tail call ") ? "tail-call" : "call";
}
