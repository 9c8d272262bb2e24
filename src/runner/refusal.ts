import type { MapDef, Program } from "../../bpf/program.ts";
import { kernels, VerifierError, verify } from "../../bpf/verifier/index.ts";
import { UserError } from "../error.ts";

/** A kernel's verifier turned a program down. */
export class Refusal extends UserError {
  readonly program: Program;
  /** what the verifier says, without the place */
  readonly reason: string;

  constructor(error: UserError, program: Program, reason: string) {
    super(error.message, error, { cause: error });
    this.program = program;
    this.reason = reason;
  }
}

/** The kernel cannot do what the scenario asks of it beside loading programs; others can. The message goes on "this kernel". */
export class KernelLacks extends UserError {}

/**
 * Whether it is the kernel that lacks something, and not the program that is wrong: another kernel's verifier accepts it. Newest kernels are
 * asked first.
 */
export function kernelLacks({ program }: Refusal, maps: readonly MapDef[], others: readonly Program[]): boolean {
  return Object.values(kernels)
    .reverse()
    .some((kernel) => {
      try {
        verify(program, maps, kernel, others);
        return true;
      } catch (error) {
        if (error instanceof VerifierError) return false;
        throw error;
      }
    });
}
