import type { CallCounts, CallKind, CallNode, RepeatedCall } from "../../runner/trace/calls.ts";
import type { Colors } from "../report.ts";

const KINDS: Record<CallKind, string> = {
  call: "call",
  "tail-call": "tail call",
  refused: "tail call not taken by",
  kernel: "call",
};

/** A call that contains itself: the way down to the next of its kind, how many there are, and the last of them. */
interface Fold {
  path: readonly CallNode[];
  levels: number;
  innermost: CallNode;
}

/** Calls one in the other of the same shape that are worth folding. */
const WORTH_FOLDING = 2;

/**
 * The tree of calls and tail calls: what repeats side by side has a count, what repeats inside itself is shown once, with its
 * innermost; a part that was shown is not shown again.
 */
export class CallsText {
  readonly #colors: Colors;
  readonly #shown = new Set<CallNode>();
  readonly #paths = new Map<string, readonly CallNode[] | undefined>();

  constructor(colors: Colors) {
    this.#colors = colors;
  }

  run(roots: readonly RepeatedCall[], counts: CallCounts): string {
    const lines = roots.flatMap((root) => [...this.#heading(root), ...this.#below(root.node, "")]);
    return `${[...lines, this.#colors.dim(countsText(counts))].join("\n")}\n`;
  }

  #heading({ node, count }: RepeatedCall): string[] {
    return [`${this.#colors.bold(node.name)}${times(count)}`];
  }

  #below(node: CallNode, indent: string, fold = this.#foldOf(node)): string[] {
    return node.children.flatMap(({ node: child, count }, i) => {
      const last = i === node.children.length - 1;
      const line = `${indent}${last ? "└─ " : "├─ "}${this.#label(child)}${times(count)}`;
      const deeper = `${indent}${last ? "   " : "│  "}`;
      if (fold && child === fold.path[0]) {
        const inner = { ...fold, path: fold.path.slice(1) };
        if (inner.path.length) return [line, ...this.#below(child, deeper, inner)];
        return [
          `${line}${this.#colors.dim(`, ${fold.levels} of them, each in the one before`)}`,
          ...this.#below(fold.innermost, deeper),
        ];
      }
      if (!child.children.length) return [line];
      if (this.#shown.has(child)) return [`${line}${this.#colors.dim(", as above")}`];
      this.#shown.add(child);
      return [line, ...this.#below(child, deeper)];
    });
  }

  #label({ kind, name }: CallNode): string {
    return `${KINDS[kind]} ${kind === "tail-call" ? this.#colors.yellow(name) : name}`;
  }

  /** Where the node contains itself, again and again, with the same around it. */
  #foldOf(node: CallNode): Fold | undefined {
    const path = this.#pathToItself(node);
    if (!path) return undefined;
    let innermost = path[path.length - 1];
    let levels = 1;
    for (;;) {
      const next = this.#pathToItself(innermost);
      if (!next || skeleton(innermost, next) !== skeleton(node, path)) break;
      innermost = next[next.length - 1];
      levels++;
    }
    return levels >= WORTH_FOLDING ? { path, levels, innermost } : undefined;
  }

  /** From a child of the node down to the first call in it of the node's own function; undefined: there is none. */
  #pathToItself(node: CallNode): readonly CallNode[] | undefined {
    return this.#pathTo(node.name, node);
  }

  #pathTo(name: string, { id, children }: CallNode): readonly CallNode[] | undefined {
    const key = `${id} ${name}`;
    if (this.#paths.has(key)) return this.#paths.get(key);
    let path: readonly CallNode[] | undefined;
    for (const { node } of children) {
      const isIt = node.name === name && (node.kind === "call" || node.kind === "tail-call");
      const deeper = isIt ? [] : this.#pathTo(name, node);
      if (deeper) {
        path = [node, ...deeper];
        break;
      }
    }
    this.#paths.set(key, path);
    return path;
  }
}

/** The node's shape with a hole at the end of the path. */
function skeleton({ kind, name, children }: CallNode, path: readonly CallNode[]): string {
  if (path.length === 0) return `${kind} ${name} *`;
  const parts = children.map(
    ({ node, count }) => `${node === path[0] ? skeleton(node, path.slice(1)) : node.id}x${count}`,
  );
  return `${name}(${parts.join(" ")})`;
}

const times = (count: number): string => (count === 1 ? "" : ` x ${count}`);
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

function countsText({ calls, tailCalls, refused, kernel, depth }: CallCounts): string {
  const parts = [plural(calls, "call"), `${plural(tailCalls, "tail call")} taken`];
  if (refused) parts.push(`${refused} not taken`);
  if (kernel) parts.push(`${plural(kernel, "call")} of kernel functions`);
  return `${parts.join(", ")}, ${plural(depth, "BPF function")} deep`;
}
