import fc from "fast-check";
import { expect, it } from "vitest";
import type { InsnFlags } from "../../../../bpf/image.ts";
import { Code } from "../../../../jit/x86/code.ts";
import { decodeAll } from "./decoded.ts";
import type { Domain } from "./operands.ts";

/** One call of an encoder, and what iced-x86 must read in what it writes. */
export interface Case {
  emit(c: Code): void;
  text: string;
  bytes: number;
  /** what it does to control and stack; nothing, unless given */
  flags?: InsnFlags;
}

type Domains = readonly Domain<unknown>[];
type Arguments<D extends Domains> = { [K in keyof D]: D[K] extends Domain<infer T> ? T : never };

/**
 * Emits all cases into one buffer and holds them against what iced-x86 reads there: same text and length, all starts
 * announced (so every case is one instruction and no byte is left over), all flags set.
 */
export function expectCases(cases: readonly Case[]): void {
  const c = new Code();
  c.restart(true);
  for (const { emit } of cases) emit(c);
  const read = decodeAll(c.bytes.slice(0, c.pos));
  const wrong = cases.flatMap(({ text, bytes }, i) => {
    const is = read[i] ?? { text: "nothing", length: 0 };
    return is.text === text && is.length === bytes ? [] : [`${text} (${bytes}), not ${is.text} (${is.length})`];
  });
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(c.starts).toEqual(read.map(({ offset }) => offset));
  expect(c.flags).toEqual(cases.map(({ flags }) => flags ?? 0));
}

/** The encoders of a module, each held to what it promises. */
export class EncoderSpecs {
  readonly #module: object;
  readonly #held = new Set<string>();

  constructor(module: object) {
    this.#module = module;
  }

  /** All combinations of the arguments' edges, then random ones where there are more. */
  spec<const D extends Domains>(
    encoder: { name: string },
    why: string,
    domains: D,
    toCase: (...args: Arguments<D>) => Case,
  ): void {
    this.#held.add(encoder.name);
    const check = (calls: unknown[][]) => expectCases(calls.map((args) => toCase(...(args as Arguments<D>))));
    it(`${encoder.name}: ${why}`, () => {
      check([...combinations(domains)]);
      if (!domains.some(({ any }) => any)) return;
      const call = fc.tuple(...domains.map(({ any, edges }) => any ?? fc.constantFrom(...edges)));
      fc.assert(fc.property(fc.array(call, { minLength: 1, maxLength: 100 }), check), { numRuns: 20 });
    });
  }

  /** What no single instruction shows. */
  holds(encoder: { name: string }, why: string, check: () => void): void {
    this.#held.add(encoder.name);
    it(`${encoder.name}: ${why}`, check);
  }

  /** To be called last: no encoder of the module is left out. */
  complete(): void {
    it("every encoder of the file", () => {
      const encoders = Object.values(this.#module).filter((value) => typeof value === "function");
      expect([...this.#held].sort()).toEqual(encoders.map((encoder) => encoder.name).sort());
    });
  }
}

function* combinations(domains: Domains): Generator<unknown[]> {
  const [first, ...rest] = domains;
  if (!first) return void (yield []);
  for (const value of first.edges) for (const others of combinations(rest)) yield [value, ...others];
}
