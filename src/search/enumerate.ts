import { canonical, type Graph, type GraphProgram, type Op, sizeOf } from "./graph.ts";

export interface Scope {
  /** functions in all programs together, at most */
  functions: number;
  /** calls and tail calls in one function, at most */
  calls: number;
  /** slots of the prog array, at most */
  slots: number;
}

/**
 * Every graph of bpf2bpf calls and tail calls in the scope, up to renaming, smallest first: all functions can be reached and all
 * slots are tried (a graph with others is a smaller one), and no subprogram calls itself, as the verifier wants it.
 */
export function enumerate(scope: Scope): Graph[] {
  const seen = new Set<string>();
  const graphs: Graph[] = [];
  for (let functions = 1; functions <= scope.functions; functions++)
    for (let slots = 1; slots <= scope.slots; slots++)
      for (const sizes of partitions(functions))
        for (const graph of graphsOf(sizes, slots, scope.calls)) {
          if (!isWhole(graph)) continue;
          const name = canonical(graph);
          if (seen.has(name)) continue;
          seen.add(name);
          graphs.push(graph);
        }
  return graphs.sort((a, b) => sizeOf(a) - sizeOf(b));
}

/** How many functions each program has: program 0 any number, the others from large to small. */
function partitions(functions: number): number[][] {
  const rest = (left: number, most: number): number[][] =>
    left === 0
      ? [[]]
      : Array.from({ length: Math.min(left, most) }, (_, i) => i + 1).flatMap((size) =>
          rest(left - size, size).map((others) => [size, ...others]),
        );
  return Array.from({ length: functions }, (_, i) => i + 1).flatMap((size) =>
    rest(functions - size, functions).map((others) => [size, ...others]),
  );
}

function* graphsOf(sizes: readonly number[], slots: number, calls: number): Generator<Graph> {
  const programs = sizes.map((size) => [...programsOf(size, slots, calls)]);
  for (const chosen of product(programs))
    for (const held of product(Array.from({ length: slots }, () => [undefined, ...sizes.keys()])))
      yield { programs: chosen, slots: held };
}

function* programsOf(size: number, slots: number, calls: number): Generator<GraphProgram> {
  const tails: Op[] = Array.from({ length: slots }, (_, slot) => ({ kind: "tail", slot }));
  const bodies = Array.from({ length: size }, (_, index) => {
    const callees: Op[] = Array.from({ length: size - index - 1 }, (_, i) => ({ kind: "call", callee: index + 1 + i }));
    return sequences([...callees, ...tails], calls);
  });
  yield* product(bodies);
}

/** All sequences of 0 to `most` items. */
function sequences<T>(items: readonly T[], most: number): T[][] {
  const longest = most === 0 ? [] : sequences(items, most - 1).flatMap((rest) => items.map((item) => [item, ...rest]));
  const unique = new Map([[], ...longest].map((sequence) => [JSON.stringify(sequence), sequence as T[]]));
  return [...unique.values()];
}

/** One of each. */
function* product<T>(choices: readonly (readonly T[])[], from = 0): Generator<T[]> {
  if (from === choices.length) return yield [];
  for (const first of choices[from]) for (const rest of product(choices, from + 1)) yield [first, ...rest];
}

/** All functions can be reached from program 0, and all slots are tried. */
function isWhole({ programs, slots }: Graph): boolean {
  const functions = new Set<string>(["0.0"]);
  const tried = new Set<number>();
  for (const name of functions) {
    const [program, index] = name.split(".").map(Number);
    for (const op of programs[program][index]) {
      if (op.kind === "call") functions.add(`${program}.${op.callee}`);
      else {
        tried.add(op.slot);
        const held = slots[op.slot];
        if (held !== undefined) functions.add(`${held}.0`);
      }
    }
  }
  return tried.size === slots.length && functions.size === programs.reduce((sum, program) => sum + program.length, 0);
}
