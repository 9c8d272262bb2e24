/** A broken contract: the first instruction where it went wrong, where that came from, what was expected. */
export interface Finding {
  /** name of the contract, e.g. "tail-call-limit" */
  check: string;
  /** one sentence, no line breaks */
  message: string;
  /** program#function, or the kernel symbol */
  function: string;
  /** address of the machine instruction, and its offset in bytes from the function's first byte */
  pc: bigint;
  offset: number;
  /** AT&T text of that instruction */
  asm?: string;
  /** slot of the BPF instruction it was made from, its text, and its line in the source */
  insn?: number;
  bpf?: string;
  line?: number;
  /** the line of the C source, where the program's object tells */
  source?: { file: string; line: number; text?: string };
  expected: string;
  actual: string;
}
