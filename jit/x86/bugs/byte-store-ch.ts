import { type Bug, withFeatures } from "./bug.ts";

export const byteStoreCh: Bug = {
  name: "byte-store-ch",
  kernel: "linux-5.4",
  about: "A byte store of the frame pointer lacked its REX prefix, and stored ch: bits 8 to 15 of R4.",
  fixed: "aee194b14dd2 (5.7)",
  apply: (profile) => withFeatures(profile, { byteStoreSlip: true }),
};
