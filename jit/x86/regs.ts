/** x86-64 register numbers as the CPU encodes them. */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;
export const R12 = 12;
export const R13 = 13;
export const R14 = 14;
export const R15 = 15;

export const REG_NAMES = [
  "rax",
  "rcx",
  "rdx",
  "rbx",
  "rsp",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
] as const;

/**
 * BPF register -> x86-64 register (arch/x86/net/bpf_jit_comp.c, reg2hex): R0..R9, FP, AX. AX is register 11, and 12 since 7.2,
 * where 11 became BPF_REG_PARAMS.
 */
export const X86_OF_BPF: readonly number[] = [RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP, R10, R10];

/** Scratch of the JIT itself; no BPF register lives there. */
export const AUX = R11;
/** BPF_REG_AX: scratch of rewrites (blinding, atomics, probe loads). */
export const AX = R10;

/** Callee-saved registers that BPF uses (R6..R9), in push order. */
export const CALLEE_SAVED: readonly number[] = [RBX, R13, R14, R15];
