/**
 * One instruction, or a few that belong together, as numbers: what they mean depends on what is possible where they stand (see
 * function-writer.ts), so every sequence of genes is a program that the verifier takes, and stays one when it is shrunk.
 */
export type Gene = readonly [kind: number, a: number, b: number, c: number, imm: number];

/** A function: its frame, what it does, and what it returns. Numbers are taken modulo what there is. */
export interface FunctionGenes {
  /** which callee-saved registers it uses, and where it keeps the context */
  frame: number;
  /** 8-byte slots of stack */
  slots: number;
  /** scalars that it takes besides the context */
  arguments: number;
  genes: readonly Gene[];
  /** registers that make up what it returns */
  result: number;
}

/** What is done between runs, and the runs. */
export type StepGenes =
  | { kind: "run"; program: number }
  | { kind: "slot"; table: number; index: number; program: number | undefined }
  | { kind: "value"; index: number; value: number };

/** A whole program: several BPF programs of a type, prog arrays that link them, and what happens to them. */
export interface Genome {
  /** oldest kernel it is for: an index into those that take part, newest first */
  era: number;
  type: "classifier" | "raw_tracepoint";
  /** entry function first */
  programs: readonly (readonly FunctionGenes[])[];
  /** slots that are set before the first run */
  table: readonly { table: number; index: number; program: number }[];
  /** of the array that all programs share */
  values: readonly number[];
  steps: readonly StepGenes[];
  /** tracing programs, attached before the first run */
  tracers: readonly { program: number; func: number; type: "fentry" | "fexit" }[];
}

/** The kinds of genes, simple ones first: that is where shrinking leads. */
export const KINDS = [
  "move",
  "aluImm",
  "aluReg",
  "unary",
  "wide",
  "store",
  "load",
  "if",
  "call",
  "tail",
  "atomic",
  "helper",
  "context",
  "loop",
] as const;
export type Kind = (typeof KINDS)[number];

/** Prog arrays by their number of slots. */
export const TABLES = [1, 2, 4] as const;
/** u64 words of the array that all programs share */
export const VALUES = 8;
