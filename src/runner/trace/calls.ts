import { EVENT_REGS, EVENT_TAG, RSP } from "../../../emulator/engine.ts";
import type { Event } from "../../../emulator/recording.ts";
import type { Spectator } from "../session.ts";

/** call: of a BPF function. tail-call: taken. refused: tried and not taken. kernel: call of a kernel function. */
export type CallKind = "call" | "tail-call" | "refused" | "kernel";

/** What a call led to; calls of the same shape are one object. */
export interface CallNode {
  readonly id: number;
  readonly kind: CallKind;
  readonly name: string;
  readonly children: readonly RepeatedCall[];
}

/** Calls of the same shape, one right after the other. */
export interface RepeatedCall {
  readonly node: CallNode;
  readonly count: number;
}

export interface CallCounts {
  calls: number;
  tailCalls: number;
  refused: number;
  kernel: number;
  /** BPF functions under way at the same time */
  depth: number;
}

interface OpenCall {
  kind: CallKind;
  name: string;
  /** where its return address is */
  top: bigint;
  children: { node: CallNode; count: number }[];
}

/** The tree of calls and tail calls of one run, folded as it grows. */
export class CallTree implements Spectator {
  readonly counts: CallCounts = { calls: 0, tailCalls: 0, refused: 0, kernel: 0, depth: 0 };
  readonly #shapes = new Map<string, CallNode>();
  /** by CPU and task */
  readonly #open = new Map<bigint, OpenCall[]>();
  readonly #roots: OpenCall = { kind: "call", name: "", top: 0n, children: [] };
  #tried: string | undefined;

  readonly observe = (event: Event): void => {
    const { kind, watched, words, at } = event;
    const open = this.#stackOf(words[at + EVENT_TAG]);
    const rsp = words[at + EVENT_REGS + RSP];
    if (this.#tried !== undefined && kind !== "land") this.#leaf(open, "refused", this.#tried);
    this.#tried = kind === "tail" ? watched.name : undefined;
    const enters = kind === "enter" || kind === "reenter";
    if (kind === "resume" || enters) this.#closeBelow(open, rsp);
    if (kind === "host") this.#leaf(open, "kernel", watched.name);
    else if (enters) this.#enter(open, "call", watched.name, rsp);
    else if (kind === "land") this.#enter(open, "tail-call", watched.name, open[open.length - 1]?.top ?? rsp);
  };

  /** The run's calls; whatever is still under way ends here. */
  end(): readonly RepeatedCall[] {
    for (const open of this.#open.values()) {
      if (this.#tried !== undefined && open.length) this.#leaf(open, "refused", this.#tried);
      this.#tried = undefined;
      while (open.length) this.#close(open);
    }
    return this.#roots.children;
  }

  #stackOf(tag: bigint): OpenCall[] {
    let open = this.#open.get(tag);
    if (!open) {
      open = [];
      this.#open.set(tag, open);
    }
    return open;
  }

  #enter(open: OpenCall[], kind: "call" | "tail-call", name: string, top: bigint): void {
    open.push({ kind, name, top, children: [] });
    if (kind === "call") this.counts.calls++;
    else this.counts.tailCalls++;
    const depth = open.filter((call) => call.kind === "call").length;
    if (depth > this.counts.depth) this.counts.depth = depth;
  }

  #leaf(open: OpenCall[], kind: "refused" | "kernel", name: string): void {
    this.counts[kind]++;
    append(open[open.length - 1] ?? this.#roots, this.#shape(kind, name, []));
  }

  /** Calls whose return address lies below the stack pointer have returned. */
  #closeBelow(open: OpenCall[], rsp: bigint): void {
    while (open.length && open[open.length - 1].top < rsp) this.#close(open);
  }

  #close(open: OpenCall[]): void {
    const { kind, name, children } = open.pop()!;
    append(open[open.length - 1] ?? this.#roots, this.#shape(kind, name, children));
  }

  #shape(kind: CallKind, name: string, children: readonly RepeatedCall[]): CallNode {
    const key = `${kind} ${name} ${children.map(({ node, count }) => `${node.id}*${count}`).join(" ")}`;
    let node = this.#shapes.get(key);
    if (!node) {
      node = { id: this.#shapes.size, kind, name, children };
      this.#shapes.set(key, node);
    }
    return node;
  }
}

function append({ children }: OpenCall, node: CallNode): void {
  const last = children[children.length - 1];
  if (last?.node === node) last.count++;
  else children.push({ node, count: 1 });
}
