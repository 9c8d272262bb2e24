/** What a function does, one after the other: call a subprogram of its own program, or try a tail call through a slot. */
export type Op = { kind: "call"; callee: number } | { kind: "tail"; slot: number };

/** The functions of one program, the entry first. */
export type GraphProgram = readonly (readonly Op[])[];

/**
 * Programs, their functions, and which program each slot of the prog array holds (undefined: it is empty). Program 0 is the one
 * that is run.
 */
export interface Graph {
  readonly programs: readonly GraphProgram[];
  readonly slots: readonly (number | undefined)[];
}

/** Functions, calls and slots in all: what a smaller graph has fewer of. */
export const sizeOf = ({ programs, slots }: Graph): number =>
  slots.length + programs.reduce((sum, program) => sum + program.reduce((all, ops) => all + 1 + ops.length, 0), 0);

/** One line that tells the graph apart from others, for people: "f0: f1 f1 | f1: [0] ; [0] = f0". */
export function graphText({ programs, slots }: Graph): string {
  const texts = programs.map((program, p) =>
    program.map((ops, i) => `${functionName(p, i)}: ${ops.map((op) => opText(op, p)).join(" ") || "-"}`).join(", "),
  );
  const held = slots.map((program, slot) => `[${slot}]=${program === undefined ? "-" : functionName(program, 0)}`);
  return `${texts.join("; ")}; ${held.join(" ")}`;
}

const opText = (op: Op, program: number): string =>
  op.kind === "call" ? functionName(program, op.callee) : `[${op.slot}]`;

/** "a" is the entry of program 0, "a1" its first subprogram. */
export const functionName = (program: number, index: number): string =>
  `${String.fromCharCode(97 + program)}${index || ""}`;

/** The same text for graphs that differ only in the names of functions, programs and slots. */
export function canonical(graph: Graph): string {
  let least: string | undefined;
  for (const order of permutations(graph.programs.length, true))
    for (const slotOrder of permutations(graph.slots.length))
      for (const functions of functionOrders(graph, order)) {
        const text = rename(graph, order, slotOrder, functions);
        if (least === undefined || text < least) least = text;
      }
  return least ?? "";
}

/** For each program, in the new order of programs, a new order of its functions. */
function* functionOrders(graph: Graph, order: readonly number[], from = 0): Generator<number[][]> {
  if (from === order.length) return yield [];
  for (const first of permutations(graph.programs[order[from]].length, true))
    for (const rest of functionOrders(graph, order, from + 1)) yield [first, ...rest];
}

function rename(graph: Graph, order: readonly number[], slotOrder: readonly number[], functions: number[][]): string {
  const programs = order.map((old, p) =>
    functions[p]
      .map((index) =>
        graph.programs[old][index]
          .map((op) => (op.kind === "call" ? `c${functions[p].indexOf(op.callee)}` : `t${slotOrder.indexOf(op.slot)}`))
          .join(","),
      )
      .join("|"),
  );
  const slots = slotOrder.map((old) => {
    const program = graph.slots[old];
    return program === undefined ? "-" : order.indexOf(program);
  });
  return `${programs.join(";")}/${slots.join(",")}`;
}

/** All orders of 0..n-1; `fixed`: 0 stays first. */
export function permutations(n: number, fixed = false): number[][] {
  if (fixed) return n ? permutations(n - 1).map((order) => [0, ...order.map((i) => i + 1)]) : [[]];
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((order) =>
    Array.from({ length: n }, (_, at) => [...order.slice(0, at), n - 1, ...order.slice(at)]),
  );
}
