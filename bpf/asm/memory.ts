import {
  BPF_ABS,
  BPF_DW,
  BPF_IND,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MEMSX,
  BPF_PROBE_MEM,
  BPF_PROBE_MEM32,
  BPF_PROBE_MEM32SX,
  BPF_PROBE_MEMSX,
  BPF_ST,
  BPF_STX,
  bytesOf,
} from "../opcode.ts";
import { parseExpression, parseImm32 } from "./expression.ts";
import {
  isRegister,
  parseAccessType,
  parseParenthesizedAddress,
  parseRegisterOf,
  parseValueRegister,
  type Register,
} from "./operands.ts";
import type { Parser } from "./parser.ts";

/**
 * What the verifier found out about an access, written before it: `probe` may fault and then loads 0 (BPF_PROBE_MEM),
 * `arena` is relative to the arena (BPF_PROBE_MEM32).
 */
export type Qualifier = "plain" | "probe" | "arena";

const LOAD_MODES: Record<Qualifier, { zero: number; sign: number }> = {
  plain: { zero: BPF_MEM, sign: BPF_MEMSX },
  probe: { zero: BPF_PROBE_MEM, sign: BPF_PROBE_MEMSX },
  arena: { zero: BPF_PROBE_MEM32, sign: BPF_PROBE_MEM32SX },
};

/** `r1 = *(u32 *)(r2 + 4)`, `r1 = probe *(s8 *)(r2 + 4)`, `r0 = *(u8 *)skb[14]`, from the star on. */
export function parseLoad(p: Parser, dst: Register, qualifier: Qualifier): void {
  p.expect("*");
  p.expect("(");
  const word = p.peek();
  const { size, signed } = parseAccessType(p);
  p.expect(")");
  if (qualifier === "plain" && p.at("skb")) {
    if (signed || size === BPF_DW) p.fail("u8, u16 or u32", word);
    parsePacketLoad(p, dst, size);
    return;
  }
  if (dst.is32 && (signed || size === BPF_DW)) p.fail("u8, u16 or u32 into a w register", word);
  const { base, off } = parseParenthesizedAddress(p);
  const mode = LOAD_MODES[qualifier][signed ? "sign" : "zero"];
  p.emit(BPF_LDX | mode | size, dst.number, base, off, 0);
}

/** `skb[14]`, `skb[r1]`, `skb[r1 + 14]` */
function parsePacketLoad(p: Parser, dst: Register, size: number): void {
  if (dst.number !== 0 || dst.is32) p.fail("r0 as the destination of a packet load");
  p.expect("skb");
  p.expect("[");
  if (isRegister(p.peek())) {
    const src = parseRegisterOf(p, false);
    const imm = p.at("]") ? 0 : Number(parseExpression(p, -(1n << 31n), (1n << 31n) - 1n, "an offset"));
    p.emit(BPF_LD | BPF_IND | size, 0, src, 0, imm);
  } else {
    p.emit(BPF_LD | BPF_ABS | size, 0, 0, 0, parseImm32(p, "a register or an offset"));
  }
  p.expect("]");
}

/** `*(u8 *)(r1 - 3) = r2`, `*(u64 *)(r1 + 0) = 5` */
export function parseStore(p: Parser, qualifier: "plain" | "arena"): void {
  p.expect("*");
  p.expect("(");
  const word = p.peek();
  const { size, signed } = parseAccessType(p);
  if (signed) p.fail("u8, u16, u32 or u64", word);
  p.expect(")");
  const { base, off } = parseParenthesizedAddress(p);
  p.expect("=");
  const mode = LOAD_MODES[qualifier].zero | size;
  if (isRegister(p.peek())) p.emit(BPF_STX | mode, base, parseValueRegister(p, bytesOf(size)).number, off, 0);
  else p.emit(BPF_ST | mode, base, 0, off, parseImm32(p, "a register or a 32-bit number"));
}
