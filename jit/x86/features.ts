/**
 * What shapes the bytes besides the program: the kernel's configuration, the CPU's mitigations and the age of the JIT.
 * Names follow the kernel's options and CPU feature bits.
 */
export interface Features {
  /** CONFIG_X86_KERNEL_IBT: endbr64 where indirect branches land */
  ibt: boolean;
  /** nop5 at the entry, where trampolines are attached (5.5) */
  patchSite: boolean;
  /** BMI2 shifts by register: X86_FEATURE_BMI2, used since 6.2 */
  bmi2: boolean;
  /** how a ret is written: c3; c3 cc (CONFIG_SLS); jmp to the return thunk of that name */
  ret: "plain" | "int3" | { thunk: string };
  /** how `jmp reg` is written: ff e0+r; with int3 behind; after lfence; jmp to `<thunk>_<reg>`; the 17-byte retpoline of 5.10 */
  indirectJump: "plain" | "int3" | "lfence" | "inline-retpoline" | { thunk: string };
  /** X86_FEATURE_CALL_DEPTH: `sarq $5, gs:` this per-CPU symbol, rip-relative, before every call */
  callDepth?: string;
  /**
   * kernel functions that account for their calls themselves: other kernel code calls them directly, so that their padding was
   * patched (is_callthunk, arch/x86/kernel/callthunks.c)
   */
  callThunks: readonly string[];
  /** LD_IMM64 of a value that fits 32 signed bits is mov r64, simm32 */
  signedImm64: boolean;
  /** a shift by register whose destination is rcx saves it in r11 only, and not on the stack too */
  shiftRcxLean: boolean;
  /** largest displacement of a short jump: 127, or 123 so that padding cannot flip it (c8831bdbfbab) */
  shortJumpMax: number;
  /** PROBE_MEM loads: checked against the end of user space, or also against the vsyscall page (b599d7d26d6a) */
  probeMem: "limit" | "vsyscall";
  /** TASK_SIZE_MAX of the CPU: 47 or 56 bits minus a page */
  taskSizeMax: bigint;
  /** xchg with memory carries a lock prefix that it doesn't need */
  lockXchg: boolean;
  /** MOV_PERCPU sets REX.B where the register needs REX.R: r8..r15 become rax..rdi */
  percpuRexSlip: boolean;
}
