import type { KernelFeatures } from "../features.ts";
import { linux6_1, linux6_12, linux6_18, linux7_2 } from "./captured.ts";
import { linux4_10, linux5_4, linux5_10, linux5_17, linux6_6, linux6_16 } from "./older.ts";

export * from "./captured.ts";
export * from "./older.ts";

/** Every kernel that is described, by name. */
export const kernels: Record<string, KernelFeatures> = Object.fromEntries(
  [linux4_10, linux5_4, linux5_10, linux5_17, linux6_1, linux6_6, linux6_12, linux6_16, linux6_18, linux7_2].map(
    (k) => [k.name, k],
  ),
);
