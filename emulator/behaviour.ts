/** Where kernels differ in what their functions return. */
export interface KernelBehaviour {
  /** map operations that programs call directly return int: the upper half of rax is zero (before 6.4, d7ba4cc900bf) */
  mapOpsReturnInt: boolean;
  /** bpf_csum_diff folds its sum to 16 bits, of any number of bytes (since 6.13, 6a4794d5a3e2), before: of 512 at most */
  foldedChecksum: boolean;
  /** bpf_strtol and bpf_strtoul that fail leave 0 (since 6.12, 4b3786a6c539), before: what was there */
  clearedResults: boolean;
}

/** The behaviour of a release such as "6.12.95" or "linux-6.12". */
export function behaviourOf(release: string): KernelBehaviour {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(release) ?? ["", "0", "0"];
  const version = 1000 * Number(major) + Number(minor);
  return { mapOpsReturnInt: version < 6004, foldedChecksum: version >= 6013, clearedResults: version >= 6012 };
}
