/** A place in a text, 1-based. */
export interface Position {
  line: number;
  column: number;
}

/** Machine code of one function as a tool shows it; `bytes` begins at bpf_func unless the tool shows what is in front of it. */
export interface DumpedFunction {
  /** the symbol, where the tool tells */
  name?: string;
  /** where bytes[0] was; undefined: the tool doesn't tell, or tells a hash of it */
  address?: bigint;
  bytes: Uint8Array;
  /** where its first byte stands in the file; undefined: the file is binary */
  at?: Position;
}

/** A program as the verifier left it: little-endian instructions of 8 bytes each. */
export interface DumpedBpf {
  bytes: Uint8Array;
  at: Position;
}

/** What a file holds. */
export interface Dump {
  /** which tool wrote it, in words */
  format: string;
  functions: DumpedFunction[];
  bpf: DumpedBpf[];
  /** what somebody who relies on it should know, a sentence each */
  notes: string[];
}

/** Bytes of machine code that one dump may hold: far above what programs come to. */
export const MOST_CODE = 2 << 20;
