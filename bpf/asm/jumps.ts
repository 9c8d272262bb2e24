import {
  BPF_JMP,
  BPF_JMP32,
  BPF_K,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_X,
  CALL,
  CALLX,
  EXIT,
  JA,
  JA32,
  JX,
  MAY_GOTO,
  NOSPEC,
  TAIL_CALL,
} from "../opcode.ts";
import { JUMP_OPERATORS } from "../syntax.ts";
import { parseExpression, parseImm32, startsExpression } from "./expression.ts";
import { isRegister, parseRegister, parseRegisterOf } from "./operands.ts";
import type { Parser } from "./parser.ts";

const S32_MIN = -(1n << 31n);
const S32_MAX = (1n << 31n) - 1n;

/** `if r1 s> r2 goto label` */
export function parseIf(p: Parser): void {
  p.expect("if");
  const dst = parseRegister(p);
  const op = JUMP_OPERATORS.get(p.peek().text);
  if (op === undefined) p.fail("a comparison");
  p.next();
  const code = (dst.is32 ? BPF_JMP32 : BPF_JMP) | op;
  const isReg = isRegister(p.peek());
  const src = isReg ? parseRegisterOf(p, dst.is32) : 0;
  const imm = isReg ? 0 : parseImm32(p, "a register or a 32-bit number");
  p.expect("goto");
  const off = parseTarget(p, "off");
  p.emit(code | (isReg ? BPF_X : BPF_K), dst.number, src, off, imm);
}

/** `goto label`, `goto +5`, `goto pc+5`, `goto 1f` */
export function parseGoto(p: Parser): void {
  p.expect("goto");
  p.emit(JA, 0, 0, parseTarget(p, "off"), 0);
}

/** `gotol label`: 32-bit distance */
export function parseGotol(p: Parser): void {
  p.expect("gotol");
  p.emit(JA32, 0, 0, 0, parseTarget(p, "imm"));
}

/** `may_goto label`: a loop's bound */
export function parseMayGoto(p: Parser): void {
  p.expect("may_goto");
  p.emit(MAY_GOTO, 0, 0, parseTarget(p, "off"), 0);
}

/** `gotox r1` */
export function parseGotox(p: Parser): void {
  p.expect("gotox");
  p.emit(JX, parseRegisterOf(p, false), 0, 0, 0);
}

/** `callx r1` */
export function parseCallx(p: Parser): void {
  p.expect("callx");
  p.emit(CALLX, parseRegisterOf(p, false), 0, 0, 0);
}

export function parseExit(p: Parser): void {
  p.expect("exit");
  p.emit(EXIT, 0, 0, 0, 0);
}

/** `call 5`, `call bpf_map_lookup_elem`, `call local_function`, `call pc+3`, `call kfunc bpf_throw` */
export function parseCall(p: Parser): void {
  p.expect("call");
  const token = p.peek();
  if (isPcRelative(p)) {
    p.next();
    p.emit(CALL, 0, BPF_PSEUDO_CALL, 0, Number(parseExpression(p, S32_MIN, S32_MAX, "a distance")));
  } else if (token.text === "kfunc" && p.peek(1).kind !== "end") {
    p.next();
    parseKfunc(p);
  } else if (token.kind === "local" || p.names.labels.has(token.text)) {
    p.emit(CALL, 0, BPF_PSEUDO_CALL, 0, p.target("imm", true));
  } else if (token.kind === "name" && p.names.helpers.has(token.text)) {
    p.next();
    p.emit(CALL, 0, 0, 0, p.names.helpers.get(token.text)!);
  } else if (token.kind === "name" && p.names.kfuncs.has(token.text)) {
    parseKfunc(p);
  } else if (startsExpression(p)) {
    p.emit(CALL, 0, 0, 0, parseImm32(p, "a helper's number"));
  } else {
    const { labels, helpers, kfuncs } = p.names;
    p.fail("a function or a helper", token, [...labels, ...helpers.keys(), ...kfuncs]);
  }
}

/** The name of a kernel function, or its BTF id and perhaps the index of its module: `12345`, `12345, 1`. */
function parseKfunc(p: Parser): void {
  const token = p.peek();
  if (token.kind === "name" && !p.names.constants.has(token.text)) {
    p.next();
    p.relocs.push({ insn: p.slot, kind: "kfunc", name: token.text });
    p.emit(CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 0);
    return;
  }
  const imm = parseImm32(p, "a kernel function's name or BTF id");
  const off = p.accept(",") ? Number(parseExpression(p, -32768n, 32767n, "a module's index")) : 0;
  p.emit(CALL, 0, BPF_PSEUDO_KFUNC_CALL, off, imm);
}

/** `tail_call`, `tail_call poke[2]`: what the verifier makes of a call of bpf_tail_call, indirect and direct. */
export function parseTailCall(p: Parser): void {
  p.expect("tail_call");
  let imm = 0;
  if (p.accept("poke")) {
    p.expect("[");
    imm = 1 + Number(parseExpression(p, 0n, S32_MAX - 1n, "a poke descriptor's index"));
    p.expect("]");
  }
  p.emit(TAIL_CALL, 0, 0, 0, imm);
}

/** `nospec`: a speculation barrier of the verifier's. */
export function parseNospec(p: Parser): void {
  p.expect("nospec");
  p.emit(NOSPEC, 0, 0, 0, 0);
}

const isPcRelative = (p: Parser): boolean => p.at("pc") && (p.at("+", 1) || p.at("-", 1));

/** Distance in slots to the target; a label leaves 0 and a fixup. */
function parseTarget(p: Parser, field: "off" | "imm"): number {
  if (isPcRelative(p)) p.next();
  if (startsExpression(p)) {
    return field === "imm"
      ? Number(parseExpression(p, S32_MIN, S32_MAX, "a distance"))
      : Number(parseExpression(p, -32768n, 32767n, "a 16-bit distance"));
  }
  const token = p.peek();
  if (token.kind !== "local" && !p.names.labels.has(token.text)) p.fail("a label", token, p.names.labels);
  return p.target(field, false);
}
