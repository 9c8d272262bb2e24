export { checkFastcallContract } from "./contract.ts";
export { FASTCALL_GUARDS, type FastcallFeatures, type FastcallGuard } from "./features.ts";
export { markFastcallPatterns } from "./mark.ts";
export { removeFastcallSpills } from "./remove.ts";
