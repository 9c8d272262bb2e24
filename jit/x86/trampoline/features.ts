import { RAX, RBX } from "../regs.ts";

/**
 * How a kernel's trampolines look; in brackets the release that brought it. Named constants below stand for the releases that
 * profiles are made of.
 */
export interface TrampolineFeatures {
  /**
   * What the functions around a program take: nothing (5.5, and __bpf_prog_enter_sleepable() returns nothing); the program, and enter says
   * whether it may run (5.12); the program and a run_ctx (5.19)
   */
  enter: "nothing" | "prog" | "run-ctx";
  /** programs that may not run inside themselves have enter and exit functions of their own, ..._recur (6.1) */
  recur: boolean;
  /** __bpf_tramp_enter() and __bpf_tramp_exit(), and a way out for those inside when the image goes (5.12) */
  image: boolean;
  /** in front of the arguments lies how many they are (5.17) */
  nrArgs: boolean;
  /** the traced function's address: not stored; read from the return address (5.15); known (6.1) */
  ip: "none" | "return-address" | "known";
  /** arguments that are structs (6.1) */
  structs: boolean;
  /** arguments on the stack; all are saved as 8 bytes; rbx has its place in the frame, too (6.6) */
  stackArguments: boolean;
  /** endbr64 comes first where the kernel has IBT (5.18 to 6.7); since then (INDIRECT) only where it is called indirectly */
  endbr: boolean;
  /** x86 register for the traced function's address, with ORIG_STACK: rax (6.1), rbx (6.7); undefined: no such thing */
  origStack?: number;
  /** rax goes through to the traced function (6.7, 2b5dcb31a19a); before, the count starts over behind a trampoline */
  tailCallCtx: boolean;
  /** the patch site jumps to a trampoline that calls the traced function, which then returns to its caller (6.19) */
  jump: boolean;
  /** programs that are called before and after, and may have a cookie of their own (7.0) */
  sessions: boolean;
  /** each program can be jumped over, from a patch site in front of it; before, all that come behind the traced function (7.2) */
  skips: boolean;
}

export const trampoline510: TrampolineFeatures = {
  enter: "nothing",
  recur: false,
  image: false,
  nrArgs: false,
  ip: "none",
  structs: false,
  stackArguments: false,
  endbr: false,
  tailCallCtx: false,
  jump: false,
  sessions: false,
  skips: false,
};

export const trampoline517: TrampolineFeatures = {
  ...trampoline510,
  enter: "prog",
  image: true,
  nrArgs: true,
  ip: "return-address",
};

export const trampoline61: TrampolineFeatures = {
  ...trampoline517,
  enter: "run-ctx",
  recur: true,
  ip: "known",
  structs: true,
  endbr: true,
  origStack: RAX,
};

export const trampoline66: TrampolineFeatures = { ...trampoline61, stackArguments: true };

export const trampoline68: TrampolineFeatures = { ...trampoline66, endbr: false, origStack: RBX, tailCallCtx: true };

export const trampoline72: TrampolineFeatures = { ...trampoline68, jump: true, sessions: true, skips: true };
