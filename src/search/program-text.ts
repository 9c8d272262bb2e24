import { functionName, type Graph, type Op } from "./graph.ts";

/** Name of the prog array in the programs. */
export const TABLE = "jmp_table";

/** A program that tries a tail call of its own, through an empty slot: it starts a count of its own. */
export const TRACERS = "tracers";
export const TRACER = `r2 = ${TRACERS} ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit\n`;

/** How the programs' tail calls name their slot: by a constant, which the JIT makes a jump that is patched, or not. */
export type Indexing = "direct" | "indirect";

/** The assembly of program `p`, which is called functionName(p, 0). */
export function programText({ programs }: Graph, p: number, indexing: Indexing): string {
  const functions = programs[p].map((ops, i) => {
    const body = ops.flatMap((op) => opLines(op, p, indexing));
    const save = body.length ? ["r6 = r1"] : [];
    return `${functionName(p, i)}:\n${[...save, ...body, "r0 = 0", "exit"].map((line) => `  ${line}\n`).join("")}`;
  });
  return functions.join("");
}

function opLines(op: Op, p: number, indexing: Indexing): string[] {
  if (op.kind === "call") return ["r1 = r6", `call ${functionName(p, op.callee)}`];
  // the packet's mark is 0: the verifier cannot know
  const index = indexing === "direct" ? [`r3 = ${op.slot}`] : ["r3 = *(u32 *)(r6 + 8)", `r3 += ${op.slot}`];
  return ["r1 = r6", `r2 = ${TABLE} ll`, ...index, "call bpf_tail_call"];
}
