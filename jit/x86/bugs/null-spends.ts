import { tccPtr } from "../designs/tcc-ptr.ts";
import { type Bug, withDesign } from "./bug.ts";

export const nullSpends: Bug = {
  name: "null-spends",
  kernel: "linux-6.12",
  about: "The count went up before the slot was known to be set: every failed tail call cost one of the 33.",
  fixed: "116e04ba1459 (6.12)",
  apply: (profile) =>
    withDesign(profile, {
      check(f, out) {
        tccPtr.check(f, out);
        tccPtr.count?.(f);
      },
      count: () => {},
    }),
};
