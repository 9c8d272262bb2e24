import { assemble } from "../../../bpf/asm/assemble.ts";
import { Interpreter } from "../../../bpf/interpreter/interpreter.ts";
import type { Outcome } from "../../../bpf/interpreter/outcome.ts";
import type { InterpreterOptions } from "../../../bpf/interpreter/settings.ts";
import { FlatMemory } from "../../../bpf/memory.ts";

/** 64 bytes of memory that R1 points to. */
export const CONTEXT = 0xffff888000000000n;

export type Options = Partial<InterpreterOptions> & { context?: Uint8Array; args?: bigint[] };

/** Runs a text; `|` separates its lines, too. R1 is CONTEXT unless args says otherwise. */
export function run(text: string, { context, args, ...options }: Options = {}): Outcome {
  const memory = new FlatMemory();
  memory.map(CONTEXT, context ?? new Uint8Array(64));
  const { insns } = assemble(text.replaceAll(/\s\|\s/g, "\n"));
  return new Interpreter({ memory, ...options }).run({ insns }, ...(args ?? [CONTEXT]));
}

/** R0 at the exit of a text. */
export function r0(text: string, options?: Options): bigint {
  const outcome = run(text, options);
  if (outcome.kind !== "exit")
    throw new Error(`${outcome.kind}: ${outcome.kind === "fault" ? outcome.fault.message : ""}`);
  return outcome.r0;
}

/** `reason: message @slot` of the fault that ends a text. */
export function faultOf(text: string, options?: Options): string {
  const outcome = run(text, options);
  if (outcome.kind !== "fault") return outcome.kind;
  return `${outcome.fault.reason}: ${outcome.fault.message} @${outcome.fault.slot}`;
}
