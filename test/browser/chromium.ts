import { spawnSync } from "node:child_process";
import { findChromium } from "../../tools/setup/chromium.mjs";

/** The path of the browser that `npm run test:browser` set up. Throws where there is none. */
export function chromiumPath(): string {
  const name = findChromium();
  if (!name) throw new Error("no Chromium; npm run test:browser installs it");
  return spawnSync("sh", ["-c", 'command -v "$0"', name], { encoding: "utf8" }).stdout.trim();
}
