import * as O from "../opcode.ts";
import type { KInsn } from "../verifier/env.ts";
import { alu32Reg, alu64, call, exit, ja, jmp, ldx, mov64, mov64Reg } from "../verifier/insns.ts";
import {
  BPF_REG_A,
  BPF_REG_ARG1,
  BPF_REG_ARG2,
  BPF_REG_ARG3,
  BPF_REG_ARG4,
  BPF_REG_CTX,
  BPF_REG_D,
  BPF_REG_H,
  BPF_REG_TMP,
  BPF_REG_X,
} from "./registers.ts";

const S16_MAX = 0x7fff;
/** Instructions of slowPath() of an absolute load: what the fast path jumps over. */
const SLOW_PATH = 8;

/**
 * convert_bpf_ld_abs(): A = a big-endian number of the packet. Absolute loads from the linear part go straight to it; for all
 * else bpf_skb_load_helper_8, _16 or _32 is asked, and where it finds no such bytes the filter returns 0. `k` is u32.
 */
export function convertPacketLoad(code: number, k: number): KInsn[] {
  const offset = k | 0;
  const indirect = O.modeOf(code) === O.BPF_IND;
  return [...(indirect || offset < 0 ? [] : fastPath(code, offset)), ...slowPath(code, offset, indirect)];
}

/** if (headlen - offset >= size) A = ntoh(*(data + offset)), and on behind the slow path */
function fastPath(code: number, offset: number): KInsn[] {
  const size = O.sizeOf(code);
  const bytes = O.bytesOf(code);
  const isNear = offset <= S16_MAX;
  const load = isNear
    ? [ldx(size, BPF_REG_A, BPF_REG_D, offset)]
    : [mov64Reg(BPF_REG_TMP, BPF_REG_D), alu64(O.BPF_ADD, BPF_REG_TMP, offset), ldx(size, BPF_REG_A, BPF_REG_TMP, 0)];
  const swap: KInsn = { code: O.BPF_ALU | O.BPF_END | O.BPF_TO_BE, dst: BPF_REG_A, src: 0, off: 0, imm: 8 * bytes };
  const taken = [...load, ...(bytes > 1 ? [swap] : []), ja(SLOW_PATH)];
  return [
    mov64Reg(BPF_REG_TMP, BPF_REG_H),
    ...(offset ? [alu64(O.BPF_SUB, BPF_REG_TMP, offset)] : []),
    jmp(O.BPF_JSLT, BPF_REG_TMP, bytes, taken.length),
    ...taken,
  ];
}

function slowPath(code: number, offset: number, indirect: boolean): KInsn[] {
  const where = indirect
    ? [mov64Reg(BPF_REG_ARG4, BPF_REG_X), ...(offset ? [alu64(O.BPF_ADD, BPF_REG_ARG4, offset)] : [])]
    : [mov64(BPF_REG_ARG4, offset)];
  return [
    mov64Reg(BPF_REG_ARG1, BPF_REG_CTX),
    mov64Reg(BPF_REG_ARG2, BPF_REG_D),
    mov64Reg(BPF_REG_ARG3, BPF_REG_H),
    ...where,
    call(`bpf_skb_load_helper_${8 * O.bytesOf(code)}`),
    jmp(O.BPF_JSGE, BPF_REG_A, 0, 2),
    alu32Reg(O.BPF_XOR, BPF_REG_A, BPF_REG_A),
    exit(),
  ];
}
