import { tccPtr } from "../designs/tcc-ptr.ts";
import { CFI_PREAMBLE } from "../lower/cfi.ts";
import { type Bug, withDesign } from "./bug.ts";

export const landingKcfi: Bug = {
  name: "landing-kcfi",
  kernel: "linux-6.12",
  about:
    "On RISC-V the offset of a tail call counted the kCFI word twice, once in bpf_func and once more; here it is the preamble of x86: the callee's stack was never made, and its registers went over the caller's.",
  fixed: "52fb1756ea1d (2026, RISC-V)",
  fits: ({ cfi }) => cfi?.kind === "kcfi",
  apply: (profile) => withDesign(profile, { landing: Number(tccPtr.landing) + CFI_PREAMBLE }),
};
