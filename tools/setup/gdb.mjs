// @ts-check
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { installPackages, mayInstall } from "./system.mjs";

/**
 * gdb, which the tests of `jitproof debug` let loose on it. Where it cannot be installed those tests say so, and the others run.
 * @param {(line: string) => void} log
 * @returns {import("./steps.mjs").Step}
 */
export function gdbStep(log) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return {
    title: "gdb for the tests (apt-get)",
    needed: () => !folders.some((folder) => existsSync(join(folder, "gdb"))),
    run() {
      try {
        mayInstall();
        installPackages(["gdb"]);
      } catch {
        log("without gdb, the tests of jitproof debug will fail: install gdb (apt, dnf, brew)");
      }
    },
  };
}
