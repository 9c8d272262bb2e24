/**
 * Fields of a classic opcode that bpf/opcode.ts lacks, and the numbers around them: include/uapi/linux/bpf_common.h and
 * include/uapi/linux/filter.h. Classes LD, LDX, ST, STX, ALU and JMP, sizes, modes IMM, ABS, IND and MEM, operations and K
 * and X have the same values as in extended BPF.
 */

export const BPF_RET = 0x06;
export const BPF_MISC = 0x07;

/** Modes of LD and LDX: the packet's length; four times the low half of a byte (LDX only). */
export const BPF_LEN = 0x80;
export const BPF_MSH = 0xa0;

/** What RET returns, beside BPF_K. */
export const BPF_A = 0x10;

export const BPF_TAX = 0x00;
export const BPF_TXA = 0x80;

/** Words of scratch memory M[]. */
export const BPF_MEMWORDS = 16;
/** The longest classic program. */
export const BPF_MAXINSNS = 4096;

/** Offsets of absolute loads that mean no packet offset: from here on what the socket layer knows about the packet ... */
export const SKF_AD_OFF = -0x1000;
/** ... offsets from the network header ... */
export const SKF_NET_OFF = -0x100000;
/** ... and from the link-layer header. */
export const SKF_LL_OFF = -0x200000;

/** What is at SKF_AD_OFF plus this. */
export const SKF_AD_PROTOCOL = 0;
export const SKF_AD_PKTTYPE = 4;
export const SKF_AD_IFINDEX = 8;
export const SKF_AD_NLATTR = 12;
export const SKF_AD_NLATTR_NEST = 16;
export const SKF_AD_MARK = 20;
export const SKF_AD_QUEUE = 24;
export const SKF_AD_HATYPE = 28;
export const SKF_AD_RXHASH = 32;
export const SKF_AD_CPU = 36;
export const SKF_AD_ALU_XOR_X = 40;
export const SKF_AD_VLAN_TAG = 44;
export const SKF_AD_VLAN_TAG_PRESENT = 48;
export const SKF_AD_PAY_OFFSET = 52;
export const SKF_AD_RANDOM = 56;
export const SKF_AD_VLAN_TPID = 60;
export const SKF_AD_MAX = 64;
