import type { Token } from "./lexer.ts";
import type { Parser } from "./parser.ts";

const DEEPEST = 64;
const S64_MIN = -(1n << 63n);
const U64_MAX = (1n << 64n) - 1n;

/** Binary operators by precedence, as GNU as has it and LLVM follows: shifts bind like products. */
const PRECEDENCE: ReadonlyMap<string, number> = new Map([
  ["+", 1],
  ["-", 1],
  ["|", 2],
  ["&", 2],
  ["^", 2],
  ["*", 3],
  ["/", 3],
  ["%", 3],
  ["<<", 3],
  [">>", 3],
]);

/** Whether an expression can start here: a sign, a parenthesis, a number or a constant's name. */
export function startsExpression(p: Parser, ahead = 0): boolean {
  const token = p.peek(ahead);
  if (token.kind === "number") return true;
  if (token.kind === "name") return p.names.constants.has(token.text);
  return token.kind === "operator" && ["+", "-", "~", "("].includes(token.text);
}

/** A constant expression of `lowest <= value <= highest`. Throws AsmError, also where a part leaves 64 bits. */
export function parseExpression(p: Parser, lowest = S64_MIN, highest = U64_MAX, expected = "a number"): bigint {
  const start = p.peek();
  const value = binary(p, 1, 0, expected);
  if (value < lowest || value > highest) {
    p.fail(`${expected} between ${lowest} and ${highest}`, { ...start, kind: "number", text: `${value}` });
  }
  return value;
}

/** A 32-bit immediate, written signed or unsigned; the result is signed. */
export function parseImm32(p: Parser, expected = "a 32-bit number"): number {
  return Number(BigInt.asIntN(32, parseExpression(p, -(1n << 31n), (1n << 32n) - 1n, expected)));
}

function binary(p: Parser, precedence: number, depth: number, expected: string): bigint {
  let left = unary(p, depth, expected);
  for (;;) {
    const operator = p.peek();
    const binds = PRECEDENCE.get(operator.text);
    if (operator.kind !== "operator" || binds === undefined || binds < precedence) return left;
    p.next();
    if (depth >= DEEPEST) p.fail("a simpler expression", operator);
    left = apply(p, operator, left, binary(p, binds + 1, depth + 1, expected));
  }
}

function unary(p: Parser, depth: number, expected: string): bigint {
  const signs: Token[] = [];
  while (p.at("+") || p.at("-") || p.at("~")) signs.push(p.next());
  let value = primary(p, depth, expected);
  for (const sign of signs.reverse()) {
    if (sign.text === "-") value = inRange(p, sign, -value);
    if (sign.text === "~") value = inRange(p, sign, ~value);
  }
  return value;
}

function primary(p: Parser, depth: number, expected: string): bigint {
  const token = p.peek();
  if (token.kind === "number") return inRange(p, p.next(), token.value);
  if (token.text === "(") {
    if (depth >= DEEPEST) p.fail("a simpler expression");
    p.next();
    const value = binary(p, 1, depth + 1, expected);
    p.expect(")");
    return value;
  }
  const constant = token.kind === "name" ? p.names.constants.get(token.text) : undefined;
  if (constant === undefined) return p.fail(expected, token, p.names.constants.keys());
  return inRange(p, p.next(), constant);
}

function apply(p: Parser, operator: Token, a: bigint, b: bigint): bigint {
  switch (operator.text) {
    case "+":
      return inRange(p, operator, a + b);
    case "-":
      return inRange(p, operator, a - b);
    case "*":
      return inRange(p, operator, a * b);
    case "/":
    case "%":
      if (b === 0n) p.fail("a divisor other than 0", operator);
      return operator.text === "/" ? a / b : a % b;
    case "<<":
    case ">>":
      if (b < 0n || b > 63n) p.fail("a shift by 0 to 63", operator);
      return operator.text === "<<" ? inRange(p, operator, a << b) : a >> b;
    case "|":
      return inRange(p, operator, a | b);
    case "&":
      return inRange(p, operator, a & b);
    default:
      return inRange(p, operator, a ^ b);
  }
}

function inRange(p: Parser, token: Token, value: bigint): bigint {
  if (value < S64_MIN || value > U64_MAX) p.fail("a value of at most 64 bits", token);
  return value;
}
