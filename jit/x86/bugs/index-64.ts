import { stackSlot410 } from "../designs/stack-slot-4.10.ts";
import { type Bug, withDesign } from "./bug.ts";

export const index64: Bug = {
  name: "index-64",
  kernel: "linux-5.4",
  about:
    "All 64 bits of the index were compared with max_entries, read together with the field behind it: an index above 32 bits was refused, and a map with flags had no end.",
  fixed: "90caccdd8cc0 (4.14)",
  apply: (profile) => withDesign(profile, { bounds: stackSlot410.bounds }),
};
