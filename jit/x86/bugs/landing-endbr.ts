import { raxValue } from "../designs/rax-value.ts";
import { type Bug, withDesign } from "./bug.ts";

export const landingEndbr: Bug = {
  name: "landing-endbr",
  kernel: "linux-6.1",
  about:
    "On powerpc a tail call skipped an instruction that a kernel of another configuration doesn't have; here it is the endbr64 of x86, on a kernel without: the callee's frame is not made.",
  fixed: "2ecfe59cd7de (6.x, powerpc)",
  apply: (profile) => withDesign(profile, { landing: Number(raxValue.landing) + 4 }),
};
