import type { CodeWriter } from "./code-writer.ts";

const CALLER_SAVED = 0x3f;
const SCRATCH = [1, 2, 3, 4, 5];

/** The registers of a function that hold numbers, as far as they are written on every path so far. */
export class Scalars {
  readonly #code: CodeWriter;
  /** registers that may be used for numbers, in the order in which they are chosen */
  readonly #pool: number[];
  /** bit n: Rn holds a number */
  written = 0;

  constructor(code: CodeWriter, pool: number[]) {
    this.#code = code;
    this.#pool = pool;
  }

  /** A register to write. */
  target(n: number): number {
    const reg = this.#pool[n % this.#pool.length];
    this.written |= 1 << reg;
    return reg;
  }

  /** A register to read: it gets a value first where it has none. */
  source(n: number): number {
    const reg = this.#pool[n % this.#pool.length];
    if (!(this.written & (1 << reg))) {
      this.#code.move(reg, reg + 1);
      this.written |= 1 << reg;
    }
    return reg;
  }

  /** A caller-saved register other than those: no number is in it any more. */
  scratch(...others: number[]): number {
    const reg = SCRATCH.find((candidate) => !others.includes(candidate))!;
    this.lose(1 << reg);
    return reg;
  }

  /** Where a register is in the pool. */
  indexOf(reg: number): number {
    return this.#pool.indexOf(reg);
  }

  lose(registers: number): void {
    this.written &= ~registers;
  }

  /** After a call: R0 holds its result, if it is a number. */
  called(returns: boolean): void {
    this.lose(CALLER_SAVED);
    if (returns) this.written |= 1;
  }

  /** A callee-saved register that nobody else uses until release(); undefined: all are needed. */
  reserve(): number | undefined {
    const at = this.#pool.findIndex((reg) => reg >= 6);
    if (at < 0) return undefined;
    const [reg] = this.#pool.splice(at, 1);
    this.lose(1 << reg);
    return reg;
  }

  release(reg: number): void {
    this.#pool.push(reg);
  }

  has(reg: number): boolean {
    return (this.written & (1 << reg)) !== 0;
  }
}
