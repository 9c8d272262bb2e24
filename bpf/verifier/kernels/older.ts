import type { KernelFeatures } from "../features.ts";
import { linux6_1, linux6_18 } from "./captured.ts";
import { structs4_10, structs5_4, structs5_10, structs5_17, structs6_6, structs6_16 } from "./structs-older.ts";

// Kernels without a capture: from their sources, unchecked. Their layouts are in structs-older.ts.

/** Linux 6.16 */
export const linux6_16: KernelFeatures = {
  ...linux6_18,
  name: "linux-6.16",
  scalars: {
    ...(linux6_18.scalars as Exclude<KernelFeatures["scalars"], "cnum">),
    rounds: 2,
    crossSign64: false,
    tnumMul: "sums",
    partialOverflow: false,
    neg: false,
    tnumOverlap: false,
  },
  structs: structs6_16,
};

/** Linux 6.6 */
export const linux6_6: KernelFeatures = {
  ...linux6_1,
  name: "linux-6.6",
  cpuV4: true,
  ctxStoreImmediate: true,
  kfuncs: ["bpf_rcu_read_lock", "bpf_rcu_read_unlock"],
  trustedPointers: true,
  skb: { vlanPresent: "vlan_all", tstampType: "mono_bit" },
  structs: structs6_6,
};

/** Linux 5.17 */
export const linux5_17: KernelFeatures = {
  ...linux6_1,
  name: "linux-5.17",
  allowUninitStack: false,
  mapOps: "all-but-for-each",
  inlineLoop: false,
  skb: { vlanPresent: "bit", tstampType: "none" },
  structs: structs5_17,
};

/** Linux 5.10 */
export const linux5_10: KernelFeatures = {
  ...linux5_17,
  name: "linux-5.10",
  atomics: false,
  divisionGuards: "mov32",
  structs: structs5_10,
};

/** Linux 5.4 */
export const linux5_4: KernelFeatures = {
  ...linux5_10,
  name: "linux-5.4",
  globalFunctions: false,
  frozenMaps: false,
  directTailCalls: false,
  subprogTailCalls: false,
  structs: structs5_4,
};

/** Linux 4.10 */
export const linux4_10: KernelFeatures = {
  ...linux5_4,
  name: "linux-4.10",
  complexityLimit: 65_536,
  boundedLoops: false,
  functionCalls: false,
  removeDeadCode: false,
  divisionGuards: "none",
  expandLdAbs: false,
  inlineLookup: false,
  mapOps: "none",
  structs: structs4_10,
};
