/** What the caller hands to a program: its context, and patterns in every other register. */
export interface EntryState {
  entry: bigint;
  /** rdi */
  context: bigint;
  /** rdi, rsi, rdx, rcx, r8, r9 and what is on the stack, in place of context and second */
  args?: readonly bigint[];
  /** rsi, as bpf_dispatcher_nop_func passes insnsi */
  second?: bigint;
}

const REGISTER_PATTERN = 0xa5a5_0000_0000_0000n;
/** Values that callee-saved registers and everything else hold on entry: recognisable, and none a valid address. */
export const entryPattern = (reg: number): bigint =>
  REGISTER_PATTERN | (BigInt(reg) << 32n) | 0x5eed0000n | BigInt(reg);
