// @ts-check
import { existsSync } from "node:fs";
import { join } from "node:path";
import { filesUnder, hashOfStats, readStamp, writeStamp } from "./stamp.mjs";

const SOURCES = ["bpf", "emulator", "jit", "src", "tools/build.mjs", "package.json", "package-lock.json"];

/**
 * dist/: the command line, the library and the worker, bundled.
 * @param {string} root
 * @param {boolean} pack
 * @returns {import("./steps.mjs").Step}
 */
export function bundleStep(root, pack) {
  const stamp = () =>
    hashOfStats(
      root,
      filesUnder(root, SOURCES, (name) => /\.(ts|css)$/.test(name)),
    );
  return {
    title: pack ? "bundle, types and licences" : "bundle",
    needed: () => pack || readStamp(root, "bundle") !== stamp() || !existsSync(join(root, "dist/jitproof.js")),
    async run() {
      const before = stamp();
      const { build } = await import("../build.mjs");
      await build({ root, pack });
      writeStamp(root, "bundle", before);
    },
  };
}
