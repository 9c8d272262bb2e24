/** Where kernels differ in what their functions return. */
export interface KernelBehaviour {
  /** map operations that programs call directly return int: the upper half of rax is zero (before 6.4, d7ba4cc900bf) */
  mapOpsReturnInt: boolean;
  /** bpf_csum_diff folds its sum to 16 bits, of any number of bytes (since 6.13, 6a4794d5a3e2), before: of 512 at most */
  foldedChecksum: boolean;
  /** bpf_strtol and bpf_strtoul that fail leave 0 (since 6.12, 4b3786a6c539), before: what was there */
  clearedResults: boolean;
  /** an extended program may be in a prog_array, or a program in a prog_array be extended (before 6.13, d6083f040d5d) */
  extendsTailCallees: boolean;
  /** the functions that a trampoline calls around a program */
  progEnter: ProgEnter;
}

/**
 * What __bpf_prog_enter() takes: nothing (5.5); the program, which may not run inside itself (5.12); a struct bpf_tramp_run_ctx, too
 * (5.19); that, and only ..._recur() ask whether it is running (6.1).
 */
export type ProgEnter = "nothing" | "prog" | "run-ctx" | "recur";

/** The behaviour of a release such as "6.12.95" or "linux-6.12". */
export function behaviourOf(release: string): KernelBehaviour {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(release) ?? ["", "0", "0"];
  const version = 1000 * Number(major) + Number(minor);
  return {
    mapOpsReturnInt: version < 6004,
    foldedChecksum: version >= 6013,
    clearedResults: version >= 6012,
    extendsTailCallees: version < 6013,
    progEnter: progEnterOf(version),
  };
}

function progEnterOf(version: number): ProgEnter {
  if (version < 5012) return "nothing";
  if (version < 5019) return "prog";
  return version < 6001 ? "run-ctx" : "recur";
}
