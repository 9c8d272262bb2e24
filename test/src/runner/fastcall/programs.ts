import fc from "fast-check";

/** What a random program is made from; numbers are taken modulo what there is to choose from. */
interface Choice {
  kind: number;
  a: number;
  b: number;
  c: number;
  value: number;
}

const choice: fc.Arbitrary<Choice> = fc.record({
  kind: fc.nat(),
  a: fc.nat(),
  b: fc.nat(),
  c: fc.nat(),
  value: fc.integer(),
});

const pick = <T>(from: readonly T[], at: number): T => from[at % from.length];

/**
 * Writes a program that the verifier accepts, action by action. R9 points to the map's value, R8 is not known to the verifier; every
 * register and slot is written before it is read.
 */
class Writer {
  readonly lines = ["r8 = *(u32 *)(r1 + 0)", "r9 = seen[0] ll", "r0 = 0", "r6 = 6", "r7 = 7"];
  /** registers that may be read */
  alive = new Set([0, 6, 7, 8]);
  /** slots that may be read, as bytes below R10 */
  readonly written = new Set<number>();
  /** the innermost pair's slot */
  readonly lowest: number;
  subprogram = false;
  #labels = 0;

  constructor(lowest: number) {
    this.lowest = lowest;
  }

  get sources(): number[] {
    return [...this.alive];
  }

  add(...lines: string[]): void {
    this.lines.push(...lines);
  }

  set({ a, value }: Choice): void {
    const register = 1 + (a % 7);
    this.add(`r${register} = ${value}`, `r${register} <<= ${a % 40}`);
    this.alive.add(register);
  }

  calculate({ a, b, c }: Choice): void {
    const destination = pick(
      this.sources.filter((r) => r !== 8),
      a,
    );
    this.add(`r${destination} ${pick(["+=", "-=", "^=", "*="], c)} r${pick(this.sources, b)}`);
  }

  keep({ a, b }: Choice): void {
    this.add(`*(u64 *)(r9 + ${8 * (b % 4)}) = r${pick(this.sources, a)}`);
  }

  /** A call with pairs as a compiler has them: R1 to R5 that are alive, the innermost in the lowest slot. */
  call({ a, b, c }: Choice): void {
    const registers = this.sources.filter((r) => r >= 1 && r <= 5);
    const count = Math.min(registers.length, 1 + (b % 3), this.lowest / 8);
    const pairs = registers
      .map((_, i) => registers[(i + c) % registers.length])
      .slice(0, count)
      .map((register, i) => ({ register, slot: this.lowest - 8 * (count - 1 - i) }));
    for (const { register, slot } of pairs) this.spill(register, slot);
    this.add(`call ${pick(["bpf_get_smp_processor_id", "bpf_get_smp_processor_id", "bpf_get_prandom_u32"], a)}`);
    this.clobber();
    for (const { register, slot } of pairs.toReversed()) this.fill(register, slot);
  }

  /** A call with one spill and one fill, which need not belong together. */
  strangeCall({ a, b, c, value }: Choice): void {
    const register = pick(this.sources, a);
    const wide = value % 4 !== 0;
    const spilled = pick([this.lowest, this.lowest, 8], b);
    if (wide) this.spill(register, spilled);
    else this.add(`*(u32 *)(r10 - ${this.lowest}) = r${register}`);
    this.add(`call ${pick(["bpf_get_smp_processor_id", "bpf_get_prandom_u32"], value >>> 3)}`);
    this.clobber();
    const filled = pick([register, register, 1 + (c % 7)], c >> 3);
    if (filled === 8) return;
    if (wide) this.fill(filled, pick([spilled, ...this.written], b >> 4));
    else {
      this.add(`r${filled} = *(u32 *)(r10 - ${this.lowest})`);
      this.alive.add(filled);
    }
  }

  /** A jump over the spill and the call, to the fill. */
  jumpedCall({ a, b }: Choice): void {
    const register = pick(this.sources, a);
    if (!this.written.has(this.lowest) || register > 5) return;
    const label = `fill${++this.#labels}`;
    this.add(`if r8 ${pick(["==", "!="], b)} 64 goto ${label}`);
    this.spill(register, this.lowest);
    this.add("call bpf_get_smp_processor_id");
    this.clobber();
    this.add(`${label}:`);
    this.fill(register, this.lowest);
  }

  load({ a, b }: Choice): void {
    if (this.written.size) this.fill(1 + (a % 7), pick([...this.written], b));
  }

  store({ a, b }: Choice): void {
    this.spill(pick(this.sources, a), pick([8, 16, this.lowest], b));
  }

  /** A function that reads the caller's slot. */
  loadByCallee({ b }: Choice): void {
    if (!this.written.size) return;
    this.subprogram = true;
    this.add("r1 = r10", `r1 += -${pick([...this.written], b)}`, "call sub");
    this.clobber();
  }

  spill(register: number, slot: number): void {
    this.add(`*(u64 *)(r10 - ${slot}) = r${register}`);
    this.written.add(slot);
  }

  fill(register: number, slot: number): void {
    this.add(`r${register} = *(u64 *)(r10 - ${slot})`);
    this.alive.add(register);
  }

  clobber(): void {
    this.alive = new Set([0, ...this.sources.filter((r) => r > 5)]);
  }

  end(): string {
    for (const register of this.sources) if (register) this.add(`r0 += r${register}`, "r0 *= 3");
    this.add("exit");
    const sub = this.subprogram ? ["sub:", "r0 = *(u64 *)(r1 + 0)", "exit"] : [];
    return ["entry:", ...this.lines, ...sub].join("\n");
  }
}

type Action = (writer: Writer, choice: Choice) => void;

const programs = (actions: readonly Action[], size: number): fc.Arbitrary<string> =>
  fc
    .record({ lowest: fc.constantFrom(8, 16, 24, 32), choices: fc.array(choice, { minLength: size, maxLength: size }) })
    .map(({ lowest, choices }) => {
      const writer = new Writer(lowest);
      for (const one of choices) pick(actions, one.kind)(writer, one);
      return writer.end();
    });

const plain: Action[] = [(w, c) => w.set(c), (w, c) => w.set(c), (w, c) => w.calculate(c), (w, c) => w.keep(c)];
const ordinary: Action[] = [...plain, (w, c) => w.call(c), (w, c) => w.call(c), (w, c) => w.call(c)];

/** Programs as compilers make them: the slots of spills are for spills only. */
export const compiled = programs(ordinary, 14);

/** Programs that nobody compiles: now and then something else uses the slots, or jumps between spill and fill. */
export const strange = programs(
  [
    ...ordinary,
    ...ordinary,
    (w, c) => w.strangeCall(c),
    (w, c) => w.strangeCall(c),
    (w, c) => w.strangeCall(c),
    (w, c) => w.jumpedCall(c),
    (w, c) => w.load(c),
    (w, c) => w.store(c),
    (w, c) => w.loadByCallee(c),
  ],
  8,
);
