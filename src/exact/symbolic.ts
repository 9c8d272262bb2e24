/**
 * What is known of a value while a function runs: a constant; an input of the function plus a constant; or the low 32 bits of
 * such a sum, zero-extended, plus another constant. Inputs are what registers and memory held when the function was entered;
 * input 0 is its stack pointer.
 */
export interface Expr {
  /** index of an input, or CONST */
  readonly input: number;
  /** u64 that is added, or the constant itself */
  readonly add: bigint;
  /** the sum is cut to 32 bits before this is added */
  readonly low?: { readonly add: bigint };
  /** what it is in the run under way, u64 */
  readonly value: bigint;
}

export const CONST = -1;
export const ENTRY_RSP = 0;
/** x86-64's number of rsp */
export const RSP = 4;

export const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
export const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);

export const constant = (value: bigint): Expr => ({ input: CONST, add: value, value });
export const inputExpr = (input: number, value: bigint): Expr => ({ input, add: 0n, value });

/** Where an input comes from, or an output goes to. Stack offsets count from the stack pointer at entry; sizes in bytes. */
export type Place =
  | { readonly at: "register"; readonly index: number }
  | { readonly at: "stack"; readonly offset: bigint; readonly size: number }
  | { readonly at: "memory"; readonly address: bigint; readonly size: number };

/** What must be true of an input so that the run takes the same way: its value, or its distance from the stack pointer. */
export interface Condition {
  kind: "is" | "from-rsp";
  value: bigint;
}

export interface Input {
  readonly place: Place;
  /** in the run under way */
  readonly value: bigint;
  condition: Condition | undefined;
}

/** `expr` plus a constant. */
export function plus(expr: Expr, delta: bigint): Expr {
  if (expr.input === CONST) return constant(u64(expr.add + delta));
  const value = u64(expr.value + delta);
  if (expr.low) return { ...expr, low: { add: u64(expr.low.add + delta) }, value };
  return { ...expr, add: u64(expr.add + delta), value };
}

/** The low 32 bits, zero-extended. */
export function low32(expr: Expr): Expr {
  if (expr.input === CONST) return constant(u32(expr.add));
  return { input: expr.input, add: u32(expr.add + (expr.low?.add ?? 0n)), low: { add: 0n }, value: u32(expr.value) };
}

/** The expression's value where its input has this one. */
export function evaluate({ add, low }: Expr, input: bigint): bigint {
  return low ? u64(u32(input + add) + low.add) : u64(input + add);
}
