/** Which kernel's bounds tracking: each field names the function whose body changed. */
export interface IntervalFeatures {
  /** __reg_deduce_bounds(): by sign only (up to 6.7), or also between the 32-bit and 64-bit bounds (6.8) */
  deduce: "sign" | "mixed";
  /** how often reg_bounds_sync() repeats it */
  rounds: 1 | 2 | 3;
  /** __reg64_deduce_bounds() when the signed range crosses zero (6.17) */
  crossSign64: boolean;
  /** the same in __reg32_deduce_bounds() (7.0) */
  crossSign32: boolean;
  /** OR, XOR and MUL only with a known source (up to 6.10) */
  constantSourceOnly: boolean;
  /** signed bounds after AND, OR, XOR: from the operands' signs (up to 6.10) or from the unsigned result */
  bitwiseSigned: "operands" | "result";
  /** scalar_min_max_mul(): only of non-negative factors (up to 6.14) */
  mul: "positive" | "signed";
  tnumMul: "sums" | "union";
  /** scalar_min_max_add()/_sub(): both ends may wrap (6.17) */
  partialOverflow: boolean;
  /** BPF_NEG is tracked (6.17) */
  neg: boolean;
  /** BPF_DIV, BPF_MOD by constants are tracked (7.0) */
  divMod: boolean;
  /** BPF_END is tracked (7.0) */
  byteOrder: boolean;
  /** sync_linked_regs() ends in reg_bounds_sync() (7.0) */
  syncLinked: boolean;
  /** comparisons of two ranges (6.8), before: of a range and a constant */
  rangeVsRange: boolean;
  /** is_scalar_branch_taken() asks tnum_overlap() (6.18) */
  tnumOverlap: boolean;
  /** is_scalar_branch_taken() knows r == r (6.19) */
  sameRegister: boolean;
}
