/**
 * What the page shows of a scenario, as it is in the page: JSON, deflated. Addresses and values are hexadecimal without 0x; a value
 * is followed by a blank and what it means, where that is known ("ffffc90000004ff0 &tcc").
 */
export interface ScenarioData {
  id: string;
  title: string;
  about?: string;
  source?: string;
  /** the scenario's file, and its text */
  file: string;
  text: string;
  views: View[];
}

export type Verdict = "pass" | "breaks" | "fail" | "skip";

/** A scenario on a profile. */
export interface View {
  profile: string;
  verdict: Verdict;
  /** why it does not apply */
  reason?: string;
  /** counts, in words: "33 tail calls taken", "831 instructions" */
  facts: string[];
  /** the bug of the gallery that the profile has */
  story?: string;
  problems: ShownProblem[];
  functions: FunctionCode[];
  runs: Run[];
}

/** A finding, or an expectation that did not come true. */
export interface ShownProblem {
  name: string;
  message: string;
  details: [label: string, text: string][];
  /** line of the scenario's file */
  line?: number;
  /** a finding's instruction */
  at?: { function: string; offset: number };
}

export interface FunctionCode {
  name: string;
  address: string;
  /** bytes */
  size: number;
  lines: CodeRow[];
}

/** A machine instruction. `bpf`: instructions whose code starts here, with their slot and line of the scenario's file. */
export interface CodeRow {
  offset: number;
  bytes: string;
  asm: string;
  note?: string;
  bpf?: { insn: number; text: string; line?: number }[];
}

/** A run of a program from the kernel. */
export interface Run {
  number: number;
  program: string;
  /** the tree of calls and tail calls, a line per call, indented by three characters a level */
  calls: string;
  pictures: Picture[];
  /** more tail calls were taken than there are pictures */
  morePictures: number;
  /** lowest address and the one behind the highest, by task */
  stacks: [low: string, high: string][];
  insns: [function: string, offset: number, asm: string][];
  states: State[];
  /** index of the step at which each finding's instruction executed, by the view's problems; -1: not recorded */
  findings: number[];
  /** instructions that ran behind the last state */
  behind: number;
}

/** The stack when the callee of a tail call has made its frame, as `jitproof trace --stack` draws it. */
export interface Picture {
  number: number;
  callee: string;
  /** instructions executed before */
  icount: number;
  text: string;
}

/** One executed instruction and what it changed, or many that are left out and the state behind them. */
export type State = Step | Gap;

export interface Step {
  /** index into Run.insns */
  i: number;
  /** registers that changed, by x86 number */
  r?: Record<number, string>;
  /** memory that was written: address, bytes, value, place ("tcc", "counter[0]") */
  w?: [address: string, size: number, value: string, place?: string][];
  /** CF PF AF ZF SF OF as in RFLAGS, where one changed */
  f?: number;
  /** how control got here other than by sequence */
  a?: Arrival;
  /** before it, something outside the run changed registers, or the task */
  s?: { task: number; r: Record<number, string> };
}

export type Arrival = [kind: "call" | "tail-call" | "return" | "task", name: string, nth?: number];

export interface Gap extends Snapshot {
  /** instructions left out */
  gap: number;
}

export interface Snapshot {
  task: number;
  /** rax..r15 */
  regs: string[];
  flags: number;
  /** quadwords of the stack that were written */
  words: [address: string, value: string, place?: string][];
  /** functions under way, outermost first, and where their return addresses are */
  frames: [name: string, top: string][];
}
