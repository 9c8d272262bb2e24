import { type Document, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from "yaml";

/** Where a dotted path leads in a document: to `node`, or, with `rest` left over, to the mapping that lacks rest[0]. */
export interface Place {
  node: Node | null;
  /** the pairs on the way, outermost first, each with the mapping it stands in */
  trail: { map: YAMLMap; pair: Pair<Node, Node | null> }[];
  rest: string[];
  /** within { } or [ ] */
  inFlow: boolean;
}

export function findPath(document: Document, path: string | readonly string[]): Place {
  const place: Place = { node: document.contents, trail: [], rest: [], inFlow: false };
  let left = typeof path === "string" ? path : path.join("\0");
  const separator = typeof path === "string" ? "." : "\0";
  while (left !== "") {
    const step = next(place.node, left, separator);
    if (!step) break;
    place.inFlow ||= "flow" in place.node! && place.node.flow === true;
    if (step.pair && isMap(place.node)) place.trail.push({ map: place.node, pair: step.pair });
    place.node = step.node;
    left = left.slice(step.key.length + 1);
  }
  place.rest = left === "" ? [] : separator === "." ? splitPath(left) : left.split("\0");
  return place;
}

type Next = { key: string; node: Node | null; pair?: Pair<Node, Node | null> };

/** Profiles have dots in their names, so the key that fits is the one that is there. */
function next(node: Node | null, left: string, separator: string): Next | undefined {
  const fits = (key: string) => left === key || left.startsWith(key + separator);
  if (isMap<Node, Node | null>(node)) {
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      if (fits(key)) return { key, node: pair.value, pair };
    }
  }
  if (isSeq<Node>(node)) {
    const key = /^\d+/.exec(left)?.[0] ?? "";
    const item = node.items[Number(key)];
    if (key && item && fits(key)) return { key, node: item };
  }
  return undefined;
}

const WORDS = /\.(?=(?:checks|r0|tail_calls|instructions|max_stack|maps|variables|helpers|stack)(?:\.|$))/;

/** Keys of a path that isn't in the file: `linux-6.1.tail_calls` is a profile and an expectation. */
function splitPath(path: string): string[] {
  const [first, ...others] = path.split(WORDS);
  const head =
    /^(breaks)\.(.*)$/.exec(first)?.slice(1) ??
    (others.length || /^[A-Za-z].*-/.test(first) ? [first] : first.split("."));
  return [...head, ...others.join(".").split(".").filter(Boolean)];
}
