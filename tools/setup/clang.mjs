// @ts-check
import { spawnSync } from "node:child_process";
import { readStamp, writeStamp } from "./stamp.mjs";
import { installPackages, mayInstall } from "./system.mjs";

/** Compilers that the tests compile their BPF programs with, beside the objects in the repository: the oldest and the newest that are promised. */
const CLANGS = ["clang-14", "clang-19"];

/**
 * Only the tests want it, and only as an extra: without apt, or where it fails, they use what is there. It is tried once.
 * @param {string} root
 * @param {(line: string) => void} log
 * @returns {import("./steps.mjs").Step}
 */
export function clangStep(root, log) {
  const missing = () => CLANGS.filter((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status !== 0);
  return {
    title: `compilers for the tests: ${CLANGS.join(", ")} (apt-get)`,
    needed: () => readStamp(root, "clang") === undefined && missing().length > 0,
    run() {
      try {
        mayInstall();
        installPackages(missing());
      } catch {
        log(`without ${missing().join(" and ")}: the tests compile their BPF programs with what is there`);
      }
      writeStamp(root, "clang", "");
    },
  };
}
