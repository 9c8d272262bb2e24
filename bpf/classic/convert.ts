import type { Insn } from "../insn.ts";
import * as O from "../opcode.ts";
import { offsetOf } from "../structs.ts";
import type { KInsn } from "../verifier/env.ts";
import type { KernelFeatures } from "../verifier/features.ts";
import { alu32, alu32Reg, exit, jmp, ldx, mov32, mov32Reg, mov64Reg, stx } from "../verifier/insns.ts";
import type { Xlated } from "../xlated.ts";
import { convertExtension } from "./ancillary.ts";
import { ClassicError } from "./error.ts";
import type { ClassicInsn } from "./insn.ts";
import { convertJump, type Jump } from "./jump.ts";
import * as C from "./opcode.ts";
import { convertPacketLoad } from "./packet-load.ts";
import { BPF_REG_A, BPF_REG_CTX, BPF_REG_D, BPF_REG_H, BPF_REG_TMP, BPF_REG_X } from "./registers.ts";

const WORD = 4;
const S16_MIN = -0x8000;
const S16_MAX = 0x7fff;

/** What one classic instruction becomes; jumps still name the classic instruction they go to. */
type Piece = (KInsn | Jump)[];

/**
 * A classic filter as extended BPF, byte for byte what bpf_migrate_filter() (net/core/filter.c) hands the JIT since 4.18. The
 * filter must have passed checkClassic(). Throws ClassicError where the kernel's conversion gives up, and RangeError for
 * kernels before 4.18, whose packet loads are the JIT's work.
 */
export function convertClassic(filter: readonly ClassicInsn[], kernel: KernelFeatures): Xlated {
  if (!kernel.expandLdAbs) throw new RangeError(`classic filters are not converted as ${kernel.name} does it`);
  const loads = filter.some(readsPacket);
  const pieces = filter.map((insn, slot) => convertInsn(insn, slot, kernel));
  const start = prologue(loads, kernel);
  const addresses = new Int32Array(filter.length);
  let length = start.length;
  pieces.forEach((piece, slot) => {
    addresses[slot] = length;
    length += piece.length;
  });
  const insns: KInsn[] = [...start];
  const origin = new Int32Array(length);
  pieces.forEach((piece, slot) => {
    for (const part of piece) {
      origin[insns.length] = slot;
      insns.push("target" in part ? land(part, slot, insns.length, addresses) : part);
    }
  });
  return xlated(insns, origin, stackDepth(filter));
}

const readsPacket = ({ code, k }: ClassicInsn): boolean => {
  if (code === (O.BPF_LDX | O.BPF_B | C.BPF_MSH)) return true;
  if (O.classOf(code) !== O.BPF_LD) return false;
  const mode = O.modeOf(code);
  const ancillary = (k | 0) - C.SKF_AD_OFF;
  return mode === O.BPF_IND || (mode === O.BPF_ABS && !(ancillary >= 0 && ancillary < C.SKF_AD_MAX));
};

/** A = X = 0, the context where calls leave it, and what packet loads look at: data and headlen. */
function prologue(loads: boolean, { structs }: KernelFeatures): KInsn[] {
  const skb = (size: number, dst: number, member: string): KInsn =>
    ldx(size, dst, BPF_REG_CTX, offsetOf(structs, `sk_buff.${member}`));
  const insns = [
    alu32Reg(O.BPF_XOR, BPF_REG_A, BPF_REG_A),
    alu32Reg(O.BPF_XOR, BPF_REG_X, BPF_REG_X),
    mov64Reg(BPF_REG_CTX, 1),
  ];
  if (!loads) return insns;
  return [
    ...insns,
    skb(O.BPF_DW, BPF_REG_D, "data"),
    skb(O.BPF_W, BPF_REG_H, "len"),
    skb(O.BPF_W, BPF_REG_TMP, "data_len"),
    alu32Reg(O.BPF_SUB, BPF_REG_H, BPF_REG_TMP),
  ];
}

/** One case of bpf_convert_filter(). */
function convertInsn(insn: ClassicInsn, slot: number, kernel: KernelFeatures): Piece {
  const { code, k } = insn;
  switch (O.classOf(code)) {
    case O.BPF_ALU:
      return convertAlu(insn);
    case O.BPF_JMP:
      return convertJump(insn, slot);
    case O.BPF_LD:
      if (O.modeOf(code) === O.BPF_ABS) return convertExtension(k, kernel) ?? convertPacketLoad(code, k);
      if (O.modeOf(code) === O.BPF_IND) return convertPacketLoad(code, k);
      return [convertLoad(insn, BPF_REG_A, kernel)];
    case O.BPF_LDX:
      return O.modeOf(code) === C.BPF_MSH ? headerLength(k) : [convertLoad(insn, BPF_REG_X, kernel)];
    case O.BPF_ST:
      return [stx(O.BPF_W, O.BPF_REG_FP, BPF_REG_A, -memoryOffset(k))];
    case O.BPF_STX:
      return [stx(O.BPF_W, O.BPF_REG_FP, BPF_REG_X, -memoryOffset(k))];
    case C.BPF_RET:
      return code & C.BPF_A ? [exit()] : [mov32(BPF_REG_A, k | 0), exit()];
    default: // BPF_MISC
      return [code & C.BPF_TXA ? mov64Reg(BPF_REG_A, BPF_REG_X) : mov64Reg(BPF_REG_X, BPF_REG_A)];
  }
}

/** Operations map as they are, source register and immediate too whichever is meant; a divisor of 0 in X ends the filter with 0. */
function convertAlu({ code, k }: ClassicInsn): KInsn[] {
  const insn: KInsn = { code, dst: BPF_REG_A, src: BPF_REG_X, off: 0, imm: k | 0 };
  const divides = O.opOf(code) === O.BPF_DIV || O.opOf(code) === O.BPF_MOD;
  if (!divides || !O.isX(code)) return [insn];
  return [
    mov32Reg(BPF_REG_X, BPF_REG_X),
    jmp(O.BPF_JNE, BPF_REG_X, 0, 2),
    alu32Reg(O.BPF_XOR, BPF_REG_A, BPF_REG_A),
    exit(),
    insn,
  ];
}

/** A or X = a constant, a word of M[], or the packet's length */
function convertLoad({ code, k }: ClassicInsn, dst: number, { structs }: KernelFeatures): KInsn {
  if (O.modeOf(code) === O.BPF_IMM) return mov32(dst, k | 0);
  if (O.modeOf(code) === O.BPF_MEM) return ldx(O.BPF_W, dst, O.BPF_REG_FP, -memoryOffset(k));
  return ldx(O.BPF_W, dst, BPF_REG_CTX, offsetOf(structs, "sk_buff.len"));
}

/** ldxb 4 * ([k] & 0xf): through A, which X keeps meanwhile */
function headerLength(k: number): KInsn[] {
  return [
    mov64Reg(BPF_REG_X, BPF_REG_A),
    ...convertPacketLoad(O.BPF_LD | O.BPF_B | O.BPF_ABS, k),
    alu32(O.BPF_AND, BPF_REG_A, 0xf),
    alu32(O.BPF_LSH, BPF_REG_A, 2),
    mov64Reg(BPF_REG_TMP, BPF_REG_X),
    mov64Reg(BPF_REG_X, BPF_REG_A),
    mov64Reg(BPF_REG_A, BPF_REG_TMP),
  ];
}

/** M[k] lies that many bytes below R10. */
const memoryOffset = (k: number): number => WORD * k + WORD;

const stackDepth = (filter: readonly ClassicInsn[]): number =>
  Math.max(0, ...filter.map(({ code, k }) => (code === O.BPF_ST || code === O.BPF_STX ? memoryOffset(k) : 0)));

/**
 * BPF_EMIT_JMP: the distance, which must fit 16 bits. In the kernel's first pass all targets are still at 0, and it looks at
 * the distance then, too: a jump itself beyond slot 32,767 is turned down.
 */
function land({ target, insn }: Jump, slot: number, at: number, addresses: Int32Array): KInsn {
  const off = addresses[target] - at - 1;
  if (off > S16_MAX || -at - 1 < S16_MIN) throw new ClassicError(slot, "a jump that takes more than 16 bits");
  return { ...insn, off };
}

function xlated(insns: readonly KInsn[], origin: Int32Array, depth: number): Xlated {
  const calls = new Map<number, string>();
  const plain = insns.map(({ callee, ...insn }, slot): Insn => {
    if (callee !== undefined) calls.set(slot, callee);
    return insn;
  });
  const main = {
    name: "filter",
    start: 0,
    insns: plain.length,
    stackDepth: depth,
    hasTailCall: false,
    tailCallReachable: false,
  };
  return { insns: plain, origin, functions: [main], mapRefs: [], calls, pokes: [], symbolRefs: [] };
}
