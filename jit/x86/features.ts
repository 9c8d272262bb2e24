import type { CfiPreamble } from "./lower/cfi.ts";

/**
 * What shapes the bytes besides the program: the kernel's configuration, the CPU's mitigations and the age of the JIT.
 * Names follow the kernel's options and CPU feature bits; numbers in brackets are the release that brought it.
 */
export interface Features {
  /** CONFIG_X86_KERNEL_IBT: endbr64 where indirect branches land (5.18) */
  ibt: boolean;
  /** control-flow integrity: code in front of bpf_func (6.8); none: a program starts with bpf_func */
  cfi?: CfiPreamble;
  /** nop5 at the entry, where trampolines are attached (5.5) */
  patchSite: boolean;
  /** passes after which the kernel gives up: 10, or 20 (4.17) */
  maxPasses: number;
  /** jumps are padded with nops from the 15th pass on, and when a function is compiled again (5.12, 93c5aecc35c6) */
  jumpPadding: boolean;
  /** largest displacement of a short jump: 127, or 123 so that padding cannot flip it (6.12, c8831bdbfbab) */
  shortJumpMax: number;

  /** how a ret is written: c3; c3 cc (CONFIG_SLS); jmp to the return thunk of that name */
  ret: "plain" | "int3" | { thunk: string };
  /** how `jmp reg` is written: ff e0+r; with int3 behind; after lfence; jmp to `<thunk>_<reg>`; the 17-byte retpoline (4.15 to 5.15) */
  indirectJump: "plain" | "int3" | "lfence" | "inline-retpoline" | { thunk: string };
  /** X86_FEATURE_CALL_DEPTH: `sarq $5, gs:` this per-CPU symbol, rip-relative, before every call (6.2) */
  callDepth?: string;
  /**
   * kernel functions that account for their calls themselves: other kernel code calls them directly, so that their padding was
   * patched (is_callthunk, arch/x86/kernel/callthunks.c)
   */
  callThunks: readonly string[];
  /** X86_FEATURE_CLEAR_BHB_LOOP: a classic filter of the unprivileged calls clear_bhb_loop before it returns */
  clearBhbLoop: boolean;
  /** and executes IBHF, on a CPU that clears the history itself (X86_FEATURE_CLEAR_BHB_HW) or under a hypervisor */
  ibhf: boolean;

  /** arithmetic of rax and an imm32 has a form without ModRM (4.17) */
  accumulatorForm: boolean;
  /** a comparison with 0 is a test (5.8) */
  testZero: boolean;
  /**
   * LD_IMM64: movabs unless it is 0, which is a 64-bit xor; mov r32 where 32 unsigned bits will do (4.17); mov r64, simm32 where 32
   * signed bits will do (6.10)
   */
  imm64: "movabs" | "unsigned" | "signed";
  /** multiplication through rdx:rax, both saved whatever dst is; saved where needed (4.17); imul (5.16) */
  multiply: "save-both" | "save-others" | "imul";
  /** division: a register is compared with 0 first; both rax and rdx are saved (4.16); saved and moved where needed (5.16) */
  divide: "guarded" | "save-both" | "save-others";
  /** a shift by 1 has its own opcode (4.17) */
  shiftByOne: boolean;
  /** BMI2 shifts by register: X86_FEATURE_BMI2 (6.2) */
  bmi2: boolean;
  /** a shift by register whose destination is rcx saves it in r11 only, and not on the stack too (6.2) */
  shiftRcxLean: boolean;

  /** LD_ABS and LD_IND are calls of sk_load_*, with the packet's address in r10 and its length in r9 (before 4.18) */
  skbLoads: boolean;
  /** a byte store of rbp lacks the REX prefix: it stores ch (before 5.7, aee194b14dd2) */
  byteStoreSlip: boolean;
  /**
   * PROBE_MEM loads: not checked (5.5); checked against the end of user space (5.16); also against the vsyscall page (6.10,
   * b599d7d26d6a)
   */
  probeMem: "unchecked" | "limit" | "vsyscall";
  /** TASK_SIZE_MAX of the CPU: 47 or 56 bits minus a page */
  taskSizeMax: bigint;
  /** xchg with memory carries a lock prefix that it doesn't need */
  lockXchg: boolean;
  /** MOV_PERCPU sets REX.B where the register needs REX.R: r8..r15 become rax..rdi */
  percpuRexSlip: boolean;
}
