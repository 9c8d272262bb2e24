import type { Program } from "../../bpf/program.ts";
import type { Position } from "./lines.ts";
import type { AttachType, CheckName, MapType, ProgramType, SkbField } from "./names.ts";

/**
 * A scenario as its file says it: plain data (a structured clone crosses to a worker), every name resolved, every value in range.
 * u64 values and counts are bigint; a negative number in the file is its two's complement here.
 */
export interface Scenario {
  /** path under the catalogue without .yaml, e.g. "hierarchy/two-calls" */
  id: string;
  /** the file as it was named or found, and its text, for reports and for bless */
  file: string;
  text: string;
  title: string;
  about?: string;
  source?: string;
  /** names, globs or spans of the profiles it applies to; empty: all */
  profiles: string[];
  maps: MapSpec[];
  programs: ProgramSpec[];
  /** a file with `run` and `expect` has one step */
  steps: Step[];
  /** expected rewritten BPF and machine code */
  code: CodeExpectation[];
  /** what is tried at every instruction of the last run */
  explore?: Happening;
  breaks: Break[];
  /** most instructions a run may take */
  budget?: number;
}

/** A value with its place: `path` as in Mismatch.path, e.g. "expect.maps.counter.0". */
export interface At<T> extends Position {
  value: T;
  path: string;
}

/** A scalar's text and where it stands; `start` and `end` are offsets into Scenario.text. See locate(). */
export interface SourceText {
  text: string;
  start: number;
  end: number;
}

export interface MapSpec {
  name: string;
  type: MapType;
  /** bytes */
  keySize: number;
  /** bytes */
  valueSize: number;
  maxEntries: number;
  /** contents before the first step */
  values: MapEntry[];
  /** contents that nobody changes, which the verifier may rely on */
  frozen?: boolean;
  at: Position;
}

/** `key` is the little-endian integer that the key's bytes spell. */
export interface MapEntry extends At<MapValue> {
  key: bigint;
}

/** What a variable of an ELF object holds. */
export interface VariableValue extends At<MapValue> {
  name: string;
  map: string;
  offset: number;
  size: number;
}

/** bytes: valueSize bytes. perCpu: one value per CPU, from 0. absent: no such element (only expected, never stored). */
export type MapValue =
  | { kind: "bytes"; bytes: Uint8Array; style: ValueStyle }
  | { kind: "perCpu"; values: Uint8Array[] }
  | { kind: "program"; name: string }
  | { kind: "absent" };

/** How the file writes a value: one integer, hex bytes, or integers of `word` bytes each. */
export type ValueStyle = { as: "integer" } | { as: "hex" } | { as: "words"; word: 1 | 2 | 4 | 8 };

/** The function that a program is attached to: a program's, or, without `program`, the kernel's. */
export interface AttachSpec extends Position {
  type: AttachType;
  program?: string;
  function: string;
  /** u64 arguments of it; undefined: its program's context is the only one */
  args?: number;
  cookie?: bigint;
}

export interface ProgramSpec {
  name: string;
  type: ProgramType;
  attach?: AttachSpec;
  /** kernel-internal assembly of one function: no verifier sees it, and the JIT gets it as it is */
  xlated?: true;
  /** assembly; empty for a compiled program */
  code: SourceText;
  /** from an ELF object */
  compiled?: Program;
  at: Position;
}

/** What a run is given. data: packet bytes. fields: members of struct __sk_buff. args: a raw tracepoint's or traced function's arguments. */
export type Context =
  | { kind: "packet"; data: Uint8Array; fields: { name: SkbField; value: bigint }[] }
  | { kind: "args"; args: bigint[] };

export type Step =
  | { kind: "run"; program: string; context?: Context; events?: RunEvent[]; expect: Expectation; at: Position }
  | { kind: "update"; entries: (MapEntry & { map: string })[]; at: Position }
  | { kind: "delete"; entries: { map: string; key: bigint; at: Position }[]; at: Position };

/**
 * Something from outside in the middle of a run. interrupt: a program of the same task is entered, and returns. switch: another
 * task runs a program on the same CPU. poke: another CPU sets slots of prog arrays.
 */
export type Happening =
  | { kind: "interrupt" | "switch"; program: string }
  | { kind: "poke"; entries: (MapEntry & { map: string })[] };

/** `at`: the moment, see src/runner/point.ts. steps: how many of the poke protocol's are done then; the others after the run. */
export type RunEvent = Happening & { at: At<string>; steps?: number };

/** What one run must do. What is not mentioned is not compared. */
export interface Expectation {
  r0?: At<bigint>;
  tailCalls?: At<bigint>;
  instructions?: At<bigint>;
  /** bytes */
  maxStack?: At<bigint>;
  maps: (MapEntry & { map: string })[];
  /** variables of an object: `size` bytes at `offset` of the map's only value */
  variables?: VariableValue[];
  /** calls by helper name, e.g. bpf_get_prandom_u32 */
  helpers: (At<bigint> & { name: string })[];
  /** pictures of the stack; `at` says at which instruction, e.g. "entry#subprog_tail+0x42" */
  stack: { at: At<string>; picture: At<SourceText> }[];
}

/**
 * Expected text of a program: xlated is the BPF the JIT is handed, jited the machine code. `profile`: name, glob or span; without
 * one the text is for all.
 */
export type CodeExpectation = { program: string; text: At<SourceText> } & (
  | { kind: "xlated"; profile?: string }
  | { kind: "jited"; profile: string }
);

/** How the profiles that match break the contract: these findings, no others, and these values instead of the expected ones. */
export interface Break extends Position {
  /** name, glob or span */
  profile: string;
  checks: At<CheckName>[];
  /** overrides the expectation of the last run */
  expect: Expectation;
}
