import {
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_PROBE_ATOMIC,
  BPF_STORE_REL,
  BPF_STX,
  BPF_W,
  BPF_XCHG,
  bytesOf,
} from "../opcode.ts";
import { ATOMIC_OPERATIONS } from "../syntax.ts";
import {
  type Address,
  parseAccessType,
  parseAddress,
  parseParenthesizedAddress,
  parseSameRegister,
  parseValueRegister,
  type Register,
} from "./operands.ts";
import type { Parser } from "./parser.ts";

/** `arena` before it: on memory of the arena (BPF_PROBE_ATOMIC). */
type Qualifier = "plain" | "arena";

const codeOf = (qualifier: Qualifier, size: number): number =>
  BPF_STX | (qualifier === "arena" ? BPF_PROBE_ATOMIC : BPF_ATOMIC) | size;

/** `lock *(u64 *)(r1 + 0) += r2` */
export function parseLock(p: Parser, qualifier: Qualifier): void {
  p.expect("lock");
  p.expect("*");
  const { size, address } = parseTypedAddress(p, [BPF_W, BPF_DW]);
  const operation = ATOMIC_OPERATIONS.find((candidate) => candidate.operator === p.peek().text);
  if (!operation) p.fail('"+=", "|=", "&=" or "^="');
  p.next();
  const src = parseValueRegister(p, bytesOf(size)).number;
  p.emit(codeOf(qualifier, size), address.base, src, address.off, operation.op);
}

/** `store_release((u64 *)(r1 + 0), r2)` */
export function parseStoreRelease(p: Parser, qualifier: Qualifier): void {
  p.expect("store_release");
  p.expect("(");
  const { size, address } = parseTypedAddress(p);
  p.expect(",");
  const src = parseValueRegister(p, bytesOf(size)).number;
  p.expect(")");
  p.emit(codeOf(qualifier, size), address.base, src, address.off, BPF_STORE_REL);
}

type Fetch = (p: Parser, dst: Register, qualifier: Qualifier) => void;

/** What may stand after `r2 =`, with its name not yet consumed. */
export const FETCHES: ReadonlyMap<string, Fetch> = new Map<string, Fetch>([
  ...ATOMIC_OPERATIONS.map(({ name, op }) => [`atomic_fetch_${name}`, fetchOperation(op)] as const),
  ["xchg_64", exchange(BPF_DW, BPF_XCHG)],
  ["xchg32_32", exchange(BPF_W, BPF_XCHG)],
  ["cmpxchg_64", exchange(BPF_DW, BPF_CMPXCHG)],
  ["cmpxchg32_32", exchange(BPF_W, BPF_CMPXCHG)],
  ["load_acquire", parseLoadAcquire],
]);

/** `r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)` */
function fetchOperation(op: number): Fetch {
  return (p, dst, qualifier) => {
    p.next();
    p.expect("(");
    const { size, address } = parseTypedAddress(p, [BPF_W, BPF_DW]);
    requireWidth(p, dst, size);
    p.expect(",");
    parseSameRegister(p, dst);
    p.expect(")");
    p.emit(codeOf(qualifier, size), address.base, dst.number, address.off, op | BPF_FETCH);
  };
}

/** `w2 = xchg32_32(r1 + 0, w2)`, `r0 = cmpxchg_64(r1 + 0, r0, r2)` */
function exchange(size: number, op: number): Fetch {
  return (p, dst, qualifier) => {
    const name = p.next();
    if (dst.is32 !== (size === BPF_W))
      p.fail(size === BPF_W ? "a w register before it" : "an r register before it", name);
    p.expect("(");
    const address = parseAddress(p);
    p.expect(",");
    let src = dst.number;
    if (op === BPF_CMPXCHG) {
      if (dst.number !== 0) p.fail("r0 or w0 before it", name);
      parseSameRegister(p, dst);
      p.expect(",");
      const token = p.peek();
      const register = parseValueRegister(p, bytesOf(size));
      if (register.is32 !== dst.is32) p.fail("a register of the same width", token);
      src = register.number;
    } else {
      parseSameRegister(p, dst);
    }
    p.expect(")");
    p.emit(codeOf(qualifier, size), address.base, src, address.off, op);
  };
}

/** `r1 = load_acquire((u64 *)(r2 + 0))` */
function parseLoadAcquire(p: Parser, dst: Register, qualifier: Qualifier): void {
  p.expect("load_acquire");
  p.expect("(");
  const { size, address } = parseTypedAddress(p);
  requireWidth(p, dst, size);
  p.expect(")");
  p.emit(codeOf(qualifier, size), dst.number, address.base, address.off, BPF_LOAD_ACQ);
}

/** `(u64 *)(r1 + 0)` */
function parseTypedAddress(p: Parser, sizes?: readonly number[]): { size: number; address: Address } {
  p.expect("(");
  const word = p.peek();
  const { size, signed } = parseAccessType(p);
  if (signed) p.fail("u8, u16, u32 or u64", word);
  if (sizes && !sizes.includes(size)) p.fail("u32 or u64", word);
  p.expect(")");
  return { size, address: parseParenthesizedAddress(p) };
}

function requireWidth(p: Parser, dst: Register, size: number): void {
  if (dst.is32 && size === BPF_DW) p.fail("an r register for 64 bits");
}
