import fc from "fast-check";
import { genomes } from "./arbitrary.ts";
import type { Genome } from "./genome.ts";

/** sfc32, as fast-check wants a source of random numbers: 32 bits a step. */
class Source {
  #a: number;
  #b: number;
  #c: number;
  #count: number;

  constructor(a: number, b: number, c: number, count = 1) {
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#count = count;
  }

  clone(): Source {
    return new Source(this.#a, this.#b, this.#c, this.#count);
  }

  next(): number {
    const result = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result;
  }

  getState(): readonly number[] {
    return [this.#a, this.#b, this.#c, this.#count];
  }
}

/** Steps after which nearby seeds have nothing in common. */
const WARM_UP = 12;

/** The same for the same seed and index, whatever was generated before. */
function randomFor(seed: number, index: number): fc.Random {
  const source = new Source(seed, index, Math.floor(index / 2 ** 32) ^ 0x6a69740a);
  for (let i = 0; i < WARM_UP; i++) source.next();
  return new fc.Random(source);
}

/** Programs by seed and index, and smaller ones. `eras`: how many kernels take part. */
export class Generator {
  readonly #genomes: fc.Arbitrary<Genome>;
  readonly #seed: number;

  constructor(seed: number, eras: number) {
    this.#seed = seed;
    this.#genomes = genomes(eras);
  }

  /** Genome number `index`. */
  generate(index: number): Genome {
    return this.#value(index).value;
  }

  #value(index: number): fc.Value<Genome> {
    return this.#genomes.generate(randomFor(this.#seed, index), undefined);
  }

  /** The smallest that still fails, as fast-check finds it, after `most` tries at the latest. */
  shrink(index: number, fails: (genome: Genome) => boolean, most: number): Genome {
    let current = this.#value(index);
    for (let tries = 0, smaller = true; smaller && tries < most; ) {
      smaller = false;
      for (const candidate of this.#genomes.shrink(current.value, current.context)) {
        if (++tries > most) break;
        if (!fails(candidate.value)) continue;
        current = candidate;
        smaller = true;
        break;
      }
    }
    return current.value;
  }
}
