/** A filter that the kernel turns down with EINVAL: `slot` is the instruction to blame. */
export class ClassicError extends Error {
  override readonly name = "ClassicError";
  readonly slot: number;

  constructor(slot: number, message: string) {
    super(message);
    this.slot = slot;
  }
}
