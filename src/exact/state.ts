import {
  CONST,
  constant,
  ENTRY_RSP,
  type Expr,
  type Input,
  inputExpr,
  low32,
  type Place,
  plus,
  RSP,
  u64,
} from "./symbolic.ts";

/** The memo cannot follow this run; plain execution can. */
export class Refused extends Error {
  override name = "Refused";
}

/** A value in memory: bytes [start, start + size) of the stack, as offsets from the entry's rsp, or of the rest, as addresses. */
interface Cell {
  start: bigint;
  size: number;
  expr: Expr;
  written: boolean;
}

type Cells = Map<bigint, Cell>;

/** The task's kernel stack, [low, high). */
export interface StackRange {
  low: bigint;
  high: bigint;
}

/**
 * A function under way: registers and memory as far as it has touched them, in terms of what it found at its entry. Stack addresses
 * are relative to the entry's rsp, so that what it does holds at any depth. What the way through the function depends on
 * is pinned down: it becomes a condition of one of the inputs.
 */
export class State {
  readonly inputs: Input[] = [];
  readonly registers: (Expr | undefined)[] = [];
  /** rsp at entry in this run */
  readonly rsp: bigint;
  /** lowest offset of the stack touched, and the end of the highest */
  lowest = 0n;
  highest = 0n;
  /** inputs that the flags follow from; undefined: they are the entry's */
  flags: number[] | undefined;
  /** stack below the stack pointer that a callee left behind: who reads it before writing it reads what nobody followed */
  #dead: { low: bigint; high: bigint }[] = [];
  #stack: Cells = new Map();
  #memory: Cells = new Map();
  readonly #range: StackRange;

  constructor(rsp: bigint, range: StackRange) {
    this.rsp = rsp;
    this.#range = range;
    this.registers[RSP] = inputExpr(this.#input({ at: "register", index: RSP }, rsp), rsp);
  }

  #input(place: Place, value: bigint): number {
    return this.inputs.push({ place, value, condition: undefined }) - 1;
  }

  /** The expression with its input's condition taken into account. */
  resolve(expr: Expr): Expr {
    if (expr.input === CONST) return expr;
    const { condition } = this.inputs[expr.input];
    if (!condition) return expr;
    if (condition.kind === "is") return constant(expr.value);
    return this.resolve({ ...expr, input: ENTRY_RSP, add: u64(condition.value + expr.add) });
  }

  /** The way through the function depends on this value. */
  pin(expr: Expr): bigint {
    const { input } = this.resolve(expr);
    if (input !== CONST) this.inputs[input].condition = { kind: "is", value: this.inputs[input].value };
    return expr.value;
  }

  /** The way through the function depends on this value being as far from `base` (where rsp once was) as it is. */
  relate(expr: Expr, base: Expr): void {
    const to = this.resolve(expr);
    const from = this.resolve(base);
    if (to.input === from.input && !to.low) return;
    if (from.input !== ENTRY_RSP || to.input === CONST || to.low) {
      this.pin(to);
      this.pin(from);
      return;
    }
    const input = this.inputs[to.input];
    input.condition = { kind: "from-rsp", value: u64(input.value - this.rsp) };
  }

  /** A register; `value` is what it holds. */
  register(index: number, value: bigint): Expr {
    const known = this.registers[index];
    if (known) return this.resolve(known);
    const expr = inputExpr(this.#input({ at: "register", index }, value), value);
    this.registers[index] = expr;
    return expr;
  }

  /** Where an address is: an address on the stack counts from the entry's rsp, any other is pinned down. */
  #locate(address: Expr, size: number): { cells: Cells; start: bigint; place: Place } {
    const { low, high } = this.#range;
    if (address.value < low || address.value >= high) {
      this.pin(address);
      return { cells: this.#memory, start: address.value, place: { at: "memory", address: address.value, size } };
    }
    this.relate(address, inputExpr(ENTRY_RSP, this.rsp));
    const start = address.value - this.rsp;
    if (start < this.lowest) this.lowest = start;
    if (start + BigInt(size) > this.highest) this.highest = start + BigInt(size);
    return { cells: this.#stack, start, place: { at: "stack", offset: start, size } };
  }

  /** `size` bytes (1 to 8) at an address, zero-extended; `value` is what is there. */
  load(address: Expr, size: number, value: bigint): Expr {
    const { cells, start, place } = this.#locate(address, size);
    const cell = cells.get(start);
    if (cell && cell.start === start && cell.size === size) return this.resolve(cell.expr);
    if (!touches(cells, start, size)) {
      if (place.at === "stack" && this.#isDead(start, size))
        throw new Refused("a function reads stack that a call before it left behind");
      const expr = inputExpr(this.#input(place, value), value);
      put(cells, { start, size, expr, written: false });
      return expr;
    }
    for (let i = 0; i < size; i++) this.#pinByte(cells, start + BigInt(i), place, byteOf(value, i));
    return constant(value);
  }

  /** Make a byte whose value is known a cell of its own. */
  #pinByte(cells: Cells, at: bigint, { at: kind }: Place, value: bigint): void {
    const cell = cells.get(at);
    if (cell) return this.#split(cells, cell);
    if (kind === "stack" && this.#isDead(at, 1))
      throw new Refused("a function reads stack that a call before it left behind");
    const place: Place = kind === "stack" ? { at: kind, offset: at, size: 1 } : { at: "memory", address: at, size: 1 };
    const expr = inputExpr(this.#input(place, value), value);
    this.pin(expr);
    put(cells, { start: at, size: 1, expr, written: false });
  }

  /** Break a cell into bytes of known value. */
  #split(cells: Cells, { start, size, expr, written }: Cell): void {
    const value = this.pin(expr);
    for (let i = 0; i < size; i++)
      put(cells, { start: start + BigInt(i), size: 1, expr: constant(byteOf(value, i)), written });
  }

  /** Store the low `size` bytes (1 to 8). */
  store(address: Expr, size: number, expr: Expr): void {
    const { cells, start } = this.#locate(address, size);
    this.#cut(cells, start, start + BigInt(size));
    put(cells, { start, size, expr: this.#narrow(expr, size), written: true });
  }

  /** Split the cells that reach over the edges of [start, end). */
  #cut(cells: Cells, start: bigint, end: bigint): void {
    for (const at of [start, end - 1n]) {
      const cell = cells.get(at);
      if (cell && (cell.start < start || cell.start + BigInt(cell.size) > end)) this.#split(cells, cell);
    }
  }

  /** A callee has used the stack in [low, high), as offsets, and is gone. */
  leaveBehind(low: bigint, high: bigint): void {
    if (low >= high) return;
    if (low < this.lowest) this.lowest = low;
    this.#cut(this.#stack, low, high);
    for (const at of this.#stack.keys()) if (at >= low && at < high) this.#stack.delete(at);
    const touching = this.#dead.filter((range) => range.low <= high && range.high >= low);
    for (const range of touching) {
      if (range.low < low) low = range.low;
      if (range.high > high) high = range.high;
    }
    this.#dead = [...this.#dead.filter((range) => !touching.includes(range)), { low, high }];
  }

  #isDead(start: bigint, size: number): boolean {
    return this.#dead.some(({ low, high }) => start < high && start + BigInt(size) > low);
  }

  #narrow(expr: Expr, size: number): Expr {
    if (size === 8) return expr;
    if (size === 4) return low32(this.resolve(expr));
    return constant(BigInt.asUintN(8 * size, this.pin(expr)));
  }

  /** `expr + delta` in 64 or 32 bits. */
  sum(expr: Expr, delta: bigint, size: 4 | 8): Expr {
    const sum = plus(this.resolve(expr), delta);
    return size === 4 ? low32(sum) : sum;
  }

  /** The flags follow from these values. */
  setFlags(...from: Expr[]): void {
    this.flags = from.map((expr) => this.resolve(expr).input).filter((input) => input !== CONST);
  }

  /** The way depends on the flags. False: they are the entry's. */
  pinFlags(): boolean {
    for (const input of this.flags ?? []) this.pin(inputExpr(input, this.inputs[input].value));
    return this.flags !== undefined;
  }

  /** All that was written and is still alive, in terms of the inputs. */
  *outputs(): Generator<{ place: Place; expr: Expr }> {
    for (const [index, expr] of this.registers.entries())
      if (expr && !this.#isRestored(expr, index)) yield { place: { at: "register", index }, expr: this.resolve(expr) };
    for (const [at, { start, size, expr, written }] of this.#stack)
      if (written && at === start) yield { place: { at: "stack", offset: start, size }, expr: this.resolve(expr) };
    for (const [at, { start, size, expr, written }] of this.#memory)
      if (written && at === start) yield { place: { at: "memory", address: start, size }, expr: this.resolve(expr) };
  }

  /** The register holds what it held at entry. */
  #isRestored({ input, add, low }: Expr, index: number): boolean {
    if (input === CONST || add !== 0n || low) return false;
    const { place } = this.inputs[input];
    return place.at === "register" && place.index === index;
  }

  clone(): State {
    const copy = new State(this.rsp, this.#range);
    copy.inputs.splice(0, 1, ...this.inputs.map((input) => ({ ...input })));
    copy.registers.splice(0, copy.registers.length, ...this.registers);
    copy.lowest = this.lowest;
    copy.highest = this.highest;
    copy.flags = this.flags && [...this.flags];
    copy.#dead = [...this.#dead];
    copy.#stack = new Map(this.#stack);
    copy.#memory = new Map(this.#memory);
    return copy;
  }
}

const byteOf = (value: bigint, index: number): bigint => (value >> BigInt(8 * index)) & 0xffn;

function put(cells: Cells, cell: Cell): void {
  for (let i = 0; i < cell.size; i++) cells.set(cell.start + BigInt(i), cell);
}

function touches(cells: Cells, start: bigint, size: number): boolean {
  for (let i = 0; i < size; i++) if (cells.has(start + BigInt(i))) return true;
  return false;
}
