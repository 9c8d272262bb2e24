import * as P from "../../program.ts";
import type { IntervalFeatures } from "../analysis/scalar/interval/features.ts";
import type { KernelFeatures, KernelOptions } from "../features.ts";
import { structs as structs6_1 } from "./structs-6.1.ts";
import { structs as structs6_12 } from "./structs-6.12.ts";
import { structs as structs6_18 } from "./structs-6.18.ts";
import { structs as structs7_2 } from "./structs-7.2.ts";

const OPTIONS: KernelOptions = { blinding: false, bypassSpecV1: true, nrCpuIds: 1, nrCpus: 8192 };

/** Kernel functions that are a single move. */
const CASTS = ["bpf_cast_to_kern_ctx", "bpf_rdonly_cast"];

const INTERVALS_6_1: IntervalFeatures = {
  deduce: "sign",
  rounds: 1,
  crossSign64: false,
  crossSign32: false,
  constantSourceOnly: true,
  bitwiseSigned: "operands",
  mul: "positive",
  tnumMul: "sums",
  partialOverflow: false,
  neg: false,
  divMod: false,
  byteOrder: false,
  syncLinked: false,
  rangeVsRange: false,
  tnumOverlap: false,
  sameRegister: false,
};

/** Linux 6.1.y */
export const linux6_1: KernelFeatures = {
  name: "linux-6.1",
  regAx: 11,
  removedCallInOff: false,
  complexityLimit: 1_000_000,
  boundedLoops: true,
  atomics: true,
  cpuV4: false,
  loadAcquire: false,
  ctxStoreImmediate: false,
  allowUninitStack: true,
  rawCpuId: [P.PROG_TYPE_SOCKET_FILTER],
  kfuncs: [],
  scalars: INTERVALS_6_1,
  spillsAllScalars: false,
  noIdForConstants: false,
  linkedDelta: "none",
  linkedLiveOnly: false,
  forkScalars: false,
  constFold: false,
  stackDepthInSlots: false,
  callbackIterations: false,
  abnormalReturn: false,
  elideNullness: false,
  helperReadsKeepStack: false,
  cpuIdBounded: false,
  trustedPointers: false,
  fastcall: null,
  jitInlines: [],
  mayGoto: "none",
  removeMayGoto0: false,
  divisionGuards: "jmp32",
  expandLdAbs: true,
  inlineLookup: true,
  mapOps: "all",
  inlineLoop: true,
  cpuNumber: null,
  currentTask: null,
  inlinePerCpuLookup: false,
  inlineKptrXchg: false,
  skb: { vlanPresent: "bit", tstampType: "mono_bit" },
  globalFunctions: true,
  frozenMaps: true,
  functionCalls: true,
  removeDeadCode: true,
  directTailCalls: true,
  subprogTailCalls: true,
  tailCallReachableLeaks: true,
  privateStack: false,
  stackRounding: 32,
  options: OPTIONS,
  structs: structs6_1,
};

const INTERVALS_6_12: IntervalFeatures = {
  ...INTERVALS_6_1,
  deduce: "mixed",
  rounds: 2,
  constantSourceOnly: false,
  bitwiseSigned: "result",
  rangeVsRange: true,
};

/** Linux 6.12.y */
export const linux6_12: KernelFeatures = {
  ...linux6_1,
  name: "linux-6.12",
  cpuV4: true,
  ctxStoreImmediate: true,
  rawCpuId: [],
  kfuncs: [
    "bpf_rcu_read_lock",
    "bpf_rcu_read_unlock",
    "bpf_preempt_disable",
    "bpf_preempt_enable",
    "bpf_throw",
    ...CASTS,
  ],
  scalars: INTERVALS_6_12,
  spillsAllScalars: true,
  noIdForConstants: true,
  linkedDelta: "add64",
  stackDepthInSlots: true,
  callbackIterations: true,
  cpuIdBounded: true,
  trustedPointers: true,
  fastcall: { era: "merged", kfuncs: CASTS },
  mayGoto: "counted",
  divisionGuards: "signed",
  cpuNumber: { symbol: "pcpu_hot", addend: 12, mov: 32 },
  inlinePerCpuLookup: true,
  inlineKptrXchg: true,
  skb: { vlanPresent: "vlan_all", tstampType: "two_bits" },
  stackRounding: 16,
  structs: structs6_12,
};

const INTERVALS_6_18: IntervalFeatures = {
  ...INTERVALS_6_12,
  rounds: 3,
  crossSign64: true,
  mul: "signed",
  tnumMul: "union",
  partialOverflow: true,
  neg: true,
  tnumOverlap: true,
};

/** Linux 6.18.y */
export const linux6_18: KernelFeatures = {
  ...linux6_12,
  name: "linux-6.18",
  loadAcquire: true,
  scalars: INTERVALS_6_18,
  elideNullness: true,
  helperReadsKeepStack: true,
  mayGoto: "timed",
  removeMayGoto0: true,
  cpuNumber: { symbol: "cpu_number", addend: 0, mov: 64 },
  privateStack: true,
  structs: structs6_18,
};

/** Linux 7.2.y */
export const linux7_2: KernelFeatures = {
  ...linux6_18,
  name: "linux-7.2",
  regAx: 12,
  removedCallInOff: true,
  scalars: "cnum",
  linkedDelta: "any",
  linkedLiveOnly: true,
  forkScalars: true,
  constFold: true,
  abnormalReturn: true,
  currentTask: { symbol: "current_task", addend: 0, mov: 64 },
  tailCallReachableLeaks: false,
  structs: structs7_2,
};
