/**
 * What a scalar was computed from, instead of the kernel's backtracking (mark_chain_precision): every checkpoint puts a node before each
 * scalar it stores, every operation joins its operands' nodes, and a decision that needs a value marks all nodes behind it. A checkpoint's
 * scalar whose node is not marked decided nothing, and states that differ in it only are the same.
 */
export interface Dependency {
  precise: boolean;
  readonly from: readonly (Dependency | null)[];
}

export const dependency = (...from: (Dependency | null)[]): Dependency => ({ precise: false, from });

/** The node of a value computed from two. */
export function joined(a: Dependency | null, b: Dependency | null): Dependency | null {
  if (!a || a === b) return b;
  return b ? dependency(a, b) : a;
}

export function markPrecise(node: Dependency | null): void {
  const work = [node];
  for (let d = work.pop(); d !== undefined; d = work.pop()) {
    if (!d || d.precise) continue;
    d.precise = true;
    work.push(...d.from);
  }
}

/** Whether a stack slot that a checkpoint stored was read later; up to the last write that covers it. */
export interface Liveness {
  read: boolean;
  readonly parent: Liveness | null;
}

export function markRead(node: Liveness | null): void {
  for (let l = node; l && !l.read; l = l.parent) l.read = true;
}
