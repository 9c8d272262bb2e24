export { type DumpAddresses, dumpBytes, dumpView } from "./dump-view.ts";
export { VerifierError } from "./error.ts";
export type { KernelFeatures, KernelOptions } from "./features.ts";
export { functionStarts } from "./functions.ts";
export * from "./kernels/index.ts";
export { constantTailCallIndex } from "./rewrites/tail-call.ts";
export { type StackEra, tailCallReachable, walkCalls } from "./stack-depth.ts";
export { type BtfStructs, withStructs } from "./structs.ts";
export { stackDepths, verify } from "./verify.ts";
