/** A program that the verifier turns down: `slot` is the instruction (slot of the program as loaded) it stopped at. */
export class VerifierError extends Error {
  readonly slot: number;

  constructor(slot: number, message: string) {
    super(message);
    this.name = "VerifierError";
    this.slot = slot;
  }
}
