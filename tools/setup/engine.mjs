// @ts-check
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./error.mjs";
import { filesUnder, hashOfContents, readStamp, writeAtomically, writeStamp } from "./stamp.mjs";
import { installPackages, mayInstall, missingPackages } from "./system.mjs";

/**
 * The native engine, and before it what it is built with. In a checkout both are needed when the sources are not those it was last
 * built from; a package ships the engine of the platform it was packed on, and only lacks others.
 * @param {string} root
 * @param {boolean} pack
 * @param {(line: string) => void} log
 * @returns {import("./steps.mjs").Step[]}
 */
export function engineSteps(root, pack, log) {
  const engine = join(root, "dist/native", `engine-${process.platform}-${process.arch}.node`);
  const isPackage = !existsSync(join(root, "src"));
  const sources = () =>
    filesUnder(root, ["emulator/native", "tools/setup/native.mjs"], (name) => /\.(cc|h)$/.test(name));
  const stamp = () => hashOfContents(root, sources());
  const needed = () => (isPackage ? !loads(engine) : !existsSync(engine) || readStamp(root, "engine") !== stamp());
  const hasUnicornInside = () => !readFileSync(engine).includes("libunicorn.so");
  let missing = /** @type {string[]} */ ([]);
  return [
    {
      get title() {
        return `system packages: ${missing.join(", ")} (apt-get)`;
      },
      needed() {
        missing = needed() ? missingPackages() : [];
        return missing.length > 0;
      },
      check: mayInstall,
      run: () => installPackages(missing),
    },
    {
      title: "native engine (C++)",
      needed: () => needed() || (pack && !hasUnicornInside()),
      async run() {
        const before = stamp();
        if (isPackage) rmSync(engine, { force: true });
        await compile(root, log);
        if (pack && !hasUnicornInside())
          throw new SetupError("a package needs an engine with Unicorn inside, and here is only the shared library.");
        writeStamp(root, "engine", before);
      },
    },
  ];
}

/**
 * Whether this node can use the engine: one for another C library is as good as none.
 * @param {string} file
 */
function loads(file) {
  try {
    process.dlopen({ exports: {} }, file);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} root @param {(line: string) => void} log */
async function compile(root, log) {
  const { buildNative } = await import("./native.mjs");
  try {
    await buildNative({ root, log: (/** @type {string} */ line) => log(line.replaceAll(`${root}/`, "")) });
  } catch (error) {
    const text = String(/** @type {Error} */ (error).message);
    writeAtomically(join(root, ".setup/engine.log"), `${text}\n`);
    const [first, ...more] = text.split("\n");
    throw new SetupError(more.length ? `${first} (all of it: .setup/engine.log)` : first);
  }
}
