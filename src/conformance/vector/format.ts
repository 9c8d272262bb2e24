/**
 * A test vector: a program, the context it gets, and what it must return. Files hold one JSON object a line
 * (docs/conformance.md); test_bpf, the kernel's suite, is kept in this form.
 */
export interface Vector {
  name: string;
  language: "cbpf" | "ebpf";
  /** little-endian struct sock_filter or struct bpf_insn */
  insns: Uint8Array;
  flags: ReadonlySet<VectorFlag>;
  /** bytes of BPF stack that the program uses (ebpf) */
  stackDepth: number;
  /** what refusing the program says (EXPECTED_FAIL), a negative errno */
  expectedErrcode: number;
  /** bytes of the packet; those that are left out are 0 */
  data: Uint8Array;
  fragData: Uint8Array;
  runs: VectorRun[];
}

export interface VectorRun {
  /** bytes of data in the packet */
  dataSize: number;
  /** u32 */
  result: number;
}

/** What lib/test_bpf.c calls FLAG_*. */
export const VECTOR_FLAGS = ["NO_DATA", "EXPECTED_FAIL", "SKB_FRAG", "LARGE_MEM", "VERIFIER_ZEXT"] as const;
export type VectorFlag = (typeof VECTOR_FLAGS)[number];
