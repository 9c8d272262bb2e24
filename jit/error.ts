/** The JIT refuses a function; the kernel would fall back to its interpreter (or fail the load). */
export class JitError extends Error {
  override name = "JitError";
  /** slot of the BPF instruction, -1 where none is to blame */
  readonly slot: number;

  constructor(message: string, slot = -1) {
    super(message);
    this.slot = slot;
  }
}
