/** Conditions of the removal, each of which a wrong verifier can be without. */
export const FASTCALL_GUARDS = {
  contract: "other uses of the slots keep the pairs (check_fastcall_stack_contract)",
  frames: "a store through a pointer counts for the function whose stack it changes",
  width: "spill and fill are 8 bytes wide",
  base: "spill and fill go through r10",
  register: "spill and fill are of the same register",
  spared: "the call leaves the register alone",
  inline: "the call is inlined, so that nothing but its result is touched",
  offset: "spill and fill use the same slot, the next one of those below all others",
  keep: "the stack stays as long as a call that stays needs the slots",
  order: "the stack is given back before bpf_loop() and may_goto take theirs",
} as const;

export type FastcallGuard = keyof typeof FASTCALL_GUARDS;

/** bpf_fastcall, first called no_caller_saved_registers: calls that spare registers lose the spills and fills around them. */
export interface FastcallFeatures {
  /**
   * rfc (June 2024): only calls that are inlined have pairs, from the innermost slot on, and the stack stays as it is. merged (6.12):
   * all calls have, in the slots below all others, and the stack is given back
   */
  era: "rfc" | "merged";
  /** kernel functions with KF_FASTCALL */
  kfuncs: readonly string[];
  /** the condition that is not looked at */
  without?: FastcallGuard;
  /**
   * no kernel: pairs with a jump into them stay, the slots of all pairs are watched, and reads count for the function whose stack it is,
   * helpers' too
   */
  strict?: boolean;
}
