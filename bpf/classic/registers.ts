/** Where a converted filter keeps what classic BPF has (include/linux/filter.h). */
export const BPF_REG_A = 0;
export const BPF_REG_X = 7;
/** scratch */
export const BPF_REG_TMP = 2;
export const BPF_REG_CTX = 6;
/** skb->data, and how many bytes of the packet lie there (headlen) */
export const BPF_REG_D = 8;
export const BPF_REG_H = 9;
/** arguments of calls */
export const BPF_REG_ARG1 = 1;
export const BPF_REG_ARG2 = 2;
export const BPF_REG_ARG3 = 3;
export const BPF_REG_ARG4 = 4;
