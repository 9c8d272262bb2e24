// @ts-check
import { spawnSync } from "node:child_process";
import { SetupError } from "./error.mjs";
import { installPackages, mayInstall } from "./system.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

const ADVICE = "The report's page is tested in Chromium: install chromium, or set CHROMIUM to a browser's path.";

/**
 * A browser for the tests of the report's page.
 * @returns {import("./steps.mjs").Step}
 */
export function chromiumStep() {
  return {
    title: "a browser for the tests: chromium (apt-get)",
    needed: () => findChromium() === undefined,
    check() {
      try {
        mayInstall();
      } catch {
        throw new SetupError(ADVICE);
      }
    },
    run: () => installPackages(["chromium"], ADVICE),
  };
}

/** What CHROMIUM names, or a browser on the PATH. */
export function findChromium() {
  const names = process.env.CHROMIUM ? [process.env.CHROMIUM] : NAMES;
  return names.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
}
