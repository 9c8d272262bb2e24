import { BYTE_ORDERS } from "../syntax.ts";
import {
  parseAddrSpaceCast,
  parseByteOrder,
  parseMov,
  parseMovsx,
  parseNeg,
  parsePercpuAddress,
  parseZext,
  tryParseAlu,
} from "./alu.ts";
import { FETCHES, parseLock, parseStoreRelease } from "./atomics.ts";
import { parseExpression } from "./expression.ts";
import {
  parseCall,
  parseCallx,
  parseExit,
  parseGoto,
  parseGotol,
  parseGotox,
  parseIf,
  parseMayGoto,
  parseNospec,
  parseTailCall,
} from "./jumps.ts";
import { parseLoad, parseStore } from "./memory.ts";
import { isRegister, looksLikeRegister, parseRegister, type Register } from "./operands.ts";
import type { Parser } from "./parser.ts";
import { emitWideValue, parseAddressOf, parseLdPseudo, parseRaw, startsAddress } from "./wide.ts";

const STATEMENTS: ReadonlyMap<string, (p: Parser) => void> = new Map([
  ["*", (p) => parseStore(p, "plain")],
  ["lock", (p) => parseLock(p, "plain")],
  ["store_release", (p) => parseStoreRelease(p, "plain")],
  ["arena", parseArena],
  ["if", parseIf],
  ["goto", parseGoto],
  ["gotol", parseGotol],
  ["gotox", parseGotox],
  ["may_goto", parseMayGoto],
  ["call", parseCall],
  ["callx", parseCallx],
  ["tail_call", parseTailCall],
  ["exit", parseExit],
  ["nospec", parseNospec],
  ["ld_pseudo", parseLdPseudo],
  [".8byte", parseRaw],
  [".quad", parseRaw],
]);

/** One instruction, up to the end of its statement. */
export function parseStatement(p: Parser): void {
  const first = p.peek();
  const parse = STATEMENTS.get(first.text);
  if (parse) parse(p);
  else if (isRegister(first)) parseRegisterStatement(p);
  else if (looksLikeRegister(first)) p.fail("a register, r0 to r10 or w0 to w10", first);
  else p.fail("an instruction", first, STATEMENTS.keys());
  p.expectEnd();
}

function parseRegisterStatement(p: Parser): void {
  const dst = parseRegister(p);
  if (tryParseAlu(p, dst)) return;
  if (!p.accept("=")) p.fail('an operator such as "=" or "+="');
  parseAssigned(p, dst);
}

/** What stands after `r1 =`. */
function parseAssigned(p: Parser, dst: Register): void {
  const token = p.peek();
  const fetch = token.kind === "name" ? FETCHES.get(token.text) : undefined;
  if (isRegister(token)) parseMov(p, dst);
  else if (token.text === "-" && (isRegister(p.peek(1)) || looksLikeRegister(p.peek(1)))) parseNeg(p, dst);
  else if (token.text === "(" && ["s8", "s16", "s32"].includes(p.peek(1).text)) parseMovsx(p, dst);
  else if (token.text === "&") parsePercpuAddress(p, dst);
  else if (token.text === "*") parseLoad(p, dst, "plain");
  else if (startsAddress(p)) parseAddressOf(p, dst);
  else if (BYTE_ORDERS.has(token.text)) parseByteOrder(p, dst);
  else if (token.text === "zext") parseZext(p, dst);
  else if (token.text === "addr_space_cast") parseAddrSpaceCast(p, dst);
  else if (fetch) fetch(p, dst, "plain");
  else if (token.text === "probe") parseQualifiedLoad(p, dst, "probe");
  else if (token.text === "arena") parseQualifiedLoad(p, dst, "arena");
  else if (looksLikeRegister(token)) p.fail("a register, r0 to r10 or w0 to w10", token);
  else parseNumber(p, dst);
}

/** `r1 = 5` or, in two slots, `r1 = 5 ll`. */
function parseNumber(p: Parser, dst: Register): void {
  if (!endsInLl(p)) {
    parseMov(p, dst);
    return;
  }
  const start = p.peek();
  const value = parseExpression(p, undefined, undefined, "a 64-bit number");
  if (dst.is32) p.fail("a 64-bit register before a 64-bit number", start);
  p.expect("ll");
  emitWideValue(p, dst.number, 0, value);
}

function endsInLl(p: Parser): boolean {
  for (let ahead = 1; p.peek(ahead).kind !== "end"; ahead++) if (p.at("ll", ahead)) return true;
  return false;
}

function parseQualifiedLoad(p: Parser, dst: Register, qualifier: "probe" | "arena"): void {
  p.expect(qualifier);
  const fetch = qualifier === "arena" && p.peek().kind === "name" ? FETCHES.get(p.peek().text) : undefined;
  if (fetch) fetch(p, dst, "arena");
  else parseLoad(p, dst, qualifier);
}

/** `arena *(u32 *)(r1 + 0) = r2`, `arena lock *(u64 *)(r1 + 0) += r2`, `arena store_release(...)` */
function parseArena(p: Parser): void {
  p.expect("arena");
  if (p.at("lock")) parseLock(p, "arena");
  else if (p.at("store_release")) parseStoreRelease(p, "arena");
  else parseStore(p, "arena");
}
