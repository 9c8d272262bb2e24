import type { Kernel } from "../kernel.ts";
import { installCallbackHelpers } from "./callbacks.ts";
import { installChecksumHelpers } from "./checksum.ts";
import { installMapHelpers } from "./maps.ts";
import { installSkbHelpers } from "./skb.ts";
import { installStringHelpers } from "./strings.ts";
import { installSystemHelpers } from "./system.ts";
import { installTrampolineFunctions } from "./trampoline.ts";

/** Give the machine a model of every kernel function that programs can call. */
export function installHelpers(kernel: Kernel): void {
  installSystemHelpers(kernel);
  installMapHelpers(kernel);
  installCallbackHelpers(kernel);
  installSkbHelpers(kernel);
  installChecksumHelpers(kernel);
  installStringHelpers(kernel);
  installTrampolineFunctions(kernel);
}
