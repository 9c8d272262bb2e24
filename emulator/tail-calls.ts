/** How many tail calls were taken, by each entry from the kernel: trampolines enter programs in the middle of others. */
export interface TailCallCounts {
  /** by entries that have ended */
  readonly ended: number;
  /** by entries under way, outermost first */
  readonly underWay: readonly number[];
}

/** Counts tail calls where they land. */
export class TailCalls {
  #ended = 0;
  #underWay: number[] = [0];

  /** A tail call is taken; returns how many the innermost entry has taken. */
  take(): number {
    return ++this.#underWay[this.#underWay.length - 1];
  }

  /** The kernel enters a program in the middle of another's run. */
  enter(): void {
    this.#underWay.push(0);
  }

  /** It has returned. */
  leave(): void {
    if (this.#underWay.length > 1) this.#ended += this.#underWay.pop()!;
  }

  get total(): number {
    return this.#underWay.reduce((sum, taken) => sum + taken, this.#ended);
  }

  save(): TailCallCounts {
    return { ended: this.#ended, underWay: [...this.#underWay] };
  }

  restore({ ended, underWay }: TailCallCounts): void {
    this.#ended = ended;
    this.#underWay = [...underWay];
  }

  reset(): void {
    this.restore({ ended: 0, underWay: [0] });
  }
}
