/** Fields of the opcode byte: RFC 9669 section 3, names as in include/uapi/linux/bpf.h and bpf_common.h. */

export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_JMP32 = 0x06;
export const BPF_ALU64 = 0x07;

export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_DW = 0x18;

export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_MEMSX = 0x80;
export const BPF_ATOMIC = 0xc0;
/** Load that may fault (kernel-internal mode, set by the verifier). */
export const BPF_PROBE_MEM = 0x20;
export const BPF_PROBE_MEMSX = 0x40;
/** Arena access (kernel-internal modes, set by the verifier). */
export const BPF_PROBE_MEM32 = 0xa0;
export const BPF_PROBE_MEM32SX = 0xc0;
export const BPF_PROBE_ATOMIC = 0xe0;
/** Mode of a BPF_ST that is a speculation barrier (kernel-internal, include/linux/filter.h). */
export const BPF_NOSPEC = 0xc0;

export const BPF_K = 0x00;
export const BPF_X = 0x08;

export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_MOV = 0xb0;
export const BPF_ARSH = 0xc0;
export const BPF_END = 0xd0;

export const BPF_TO_LE = 0x00;
export const BPF_TO_BE = 0x08;

export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_JNE = 0x50;
export const BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JLT = 0xa0;
export const BPF_JLE = 0xb0;
export const BPF_JSLT = 0xc0;
export const BPF_JSLE = 0xd0;
export const BPF_JCOND = 0xe0;
/** The verifier's name for a tail call once it has seen it (kernel-internal, include/linux/filter.h). */
export const BPF_TAIL_CALL = 0xf0;

export const BPF_FETCH = 0x01;
export const BPF_XCHG = 0xe0 | BPF_FETCH;
export const BPF_CMPXCHG = 0xf0 | BPF_FETCH;
export const BPF_LOAD_ACQ = 0x100;
export const BPF_STORE_REL = 0x110;

/** src_reg of LD_IMM64. */
export const BPF_PSEUDO_MAP_FD = 1;
export const BPF_PSEUDO_MAP_VALUE = 2;
export const BPF_PSEUDO_BTF_ID = 3;
export const BPF_PSEUDO_FUNC = 4;
export const BPF_PSEUDO_MAP_IDX = 5;
export const BPF_PSEUDO_MAP_IDX_VALUE = 6;

/** src_reg of CALL. */
export const BPF_HELPER_CALL = 0;
export const BPF_PSEUDO_CALL = 1;
export const BPF_PSEUDO_KFUNC_CALL = 2;

/** off of MOV that makes it a per-CPU address (BPF_ADDR_PERCPU) or an address-space cast. */
export const BPF_ADDR_PERCPU = -1;
export const BPF_ADDR_SPACE_CAST = 1;

export const BPF_REG_0 = 0;
export const BPF_REG_FP = 10;
/** Scratch register of constant blinding and of verifier rewrites (include/linux/filter.h). */
export const BPF_REG_AX = 11;
/** Number of registers that kernel-internal code may name: from 7.2 on BPF_REG_AX is 12, after BPF_REG_PARAMS. */
export const MAX_BPF_EXT_REG = 13;

/** Helper ids the analyses need by name. */
export const BPF_FUNC_tail_call = 12;

export const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;
export const CALL = BPF_JMP | BPF_CALL;
export const EXIT = BPF_JMP | BPF_EXIT;
export const JA = BPF_JMP | BPF_JA;
/** `gotol`: the distance is in imm. */
export const JA32 = BPF_JMP32 | BPF_JA;
/** `gotox`: the target is in dst. */
export const JX = BPF_JMP | BPF_JA | BPF_X;
/** `callx`: the callee is in dst. */
export const CALLX = BPF_JMP | BPF_CALL | BPF_X;
export const MAY_GOTO = BPF_JMP | BPF_JCOND;
export const TAIL_CALL = BPF_JMP | BPF_TAIL_CALL;
export const NOSPEC = BPF_ST | BPF_NOSPEC;

export const classOf = (code: number): number => code & 0x07;
export const sizeOf = (code: number): number => code & 0x18;
export const modeOf = (code: number): number => code & 0xe0;
/** Operation of an ALU or JMP instruction. */
export const opOf = (code: number): number => code & 0xf0;
export const isX = (code: number): boolean => (code & BPF_X) !== 0;

/** Bytes moved by a load or store of this opcode: 1, 2, 4 or 8. */
export function bytesOf(code: number): number {
  switch (sizeOf(code)) {
    case BPF_B:
      return 1;
    case BPF_H:
      return 2;
    case BPF_W:
      return 4;
    default:
      return 8;
  }
}

/** LD_ABS or LD_IND */
export const isPacketLoad = (code: number): boolean =>
  classOf(code) === BPF_LD && (modeOf(code) === BPF_ABS || modeOf(code) === BPF_IND);
