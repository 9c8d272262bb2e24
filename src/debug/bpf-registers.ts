/** x86 registers that hold R0..R10, by number (reg2hex of arch/x86/net/bpf_jit_comp.c). */
export const BPF_REGISTERS = [0, 7, 6, 2, 1, 8, 3, 13, 14, 15, 5] as const;
