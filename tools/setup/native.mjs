// @ts-check
// Builds the engine's addon: one g++ call, no node-gyp, no downloads. Headers come from the npm package node-api-headers,
// Unicorn from libunicorn-dev. By itself: node tools/setup/native.mjs
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const COMPILER = process.env.CXX || "g++";

const COMPILE = ["-O2", "-std=c++20", "-fPIC", "-fno-exceptions", "-fvisibility=hidden", "-Wall", "-Wextra", "-shared"];

/** Functions that inside.cc takes over from a statically linked Unicorn. */
const WRAPPED = [
  "page_collection_lock_x86_64",
  "page_collection_unlock_x86_64",
  "tb_invalidate_phys_page_fast_x86_64",
  "get_page_addr_code_x86_64",
  "tlb_flush_page_x86_64",
];

const STATIC = ["-l:libunicorn.a", "-Wl,--exclude-libs,ALL", "-lpthread", "-lm"];

/** How to link, best first: the first that links and loads is taken. */
const LINKS = [
  { how: "Unicorn inside", flags: ["-DJITPROOF_INSIDE", ...STATIC, ...WRAPPED.map((name) => `-Wl,--wrap=${name}`)] },
  { how: "Unicorn inside, a build unknown to us: slower", flags: STATIC },
  { how: "Unicorn as a shared library: slower", flags: ["-lunicorn"] },
];

/**
 * Builds dist/native/engine-<platform>-<arch>.node under `root`, unless it is there and nothing that it is made from has
 * changed. Several processes may do so at the same time. Throws an Error whose first line says what is missing.
 * @param {{ root: string, log?: (line: string) => void }} options
 * @returns {{ file: string, built: boolean }}
 */
export function buildNative({ root, log = () => {} }) {
  const sources = join(root, "emulator", "native");
  const headers = findHeaders(root);
  const file = join(root, "dist", "native", `engine-${process.platform}-${process.arch}.node`);
  const stampFile = `${file}.stamp`;
  const names = readdirSync(sources).filter((name) => /\.(cc|h)$/.test(name));
  const stamp = stampOf(sources, names.sort(), headers);
  if (existsSync(file) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) {
    return { file, built: false };
  }

  mkdirSync(dirname(file), { recursive: true });
  const temporary = file.replace(/node$/, `${process.pid}.node`);
  // One translation unit: the library's headers are read once, and calls between the files can be inlined.
  const input = names.filter((name) => name.endsWith(".cc")).map((name) => `#include "${name}"\n`);
  let failure = "";
  for (const { how, flags } of LINKS) {
    const args = [
      ...COMPILE,
      `-I${headers}`,
      `-I${sources}`,
      "-x",
      "c++",
      "-",
      "-x",
      "none",
      "-o",
      temporary,
      ...flags,
    ];
    const result = spawnSync(COMPILER, args, { encoding: "utf8", input: input.join("") });
    if (/** @type {NodeJS.ErrnoException | undefined} */ (result.error)?.code === "ENOENT") {
      throw new Error(`the engine needs a C++ compiler, and there is no ${COMPILER}`);
    }
    failure = result.status === 0 ? whyItDoesNotLoad(temporary) : result.stderr;
    if (!failure) {
      renameSync(temporary, file);
      writeFileSync(`${stampFile}.${process.pid}`, stamp);
      renameSync(`${stampFile}.${process.pid}`, stampFile);
      log(`engine: built ${file} (${how})`);
      return { file, built: true };
    }
    rmSync(temporary, { force: true });
  }
  const missing = /unicorn\/unicorn\.h|cannot find -l:?(lib)?unicorn/.test(failure);
  throw new Error(
    missing
      ? "the engine needs Unicorn's headers and library (Debian, Ubuntu: apt-get install libunicorn-dev)"
      : `the engine does not compile\n${failure}`,
  );
}

/**
 * Empty when it loads. The linker does not tell, as node's own symbols are missing until then.
 * @param {string} file
 */
function whyItDoesNotLoad(file) {
  const result = spawnSync(process.execPath, ["-e", "require(process.argv[1]).describe()", file], { encoding: "utf8" });
  return result.status === 0 ? "" : result.stderr || `it does not load: ${result.signal}`;
}

/**
 * Where node_api.h is: in the npm package, or else beside the running node.
 * @param {string} root
 */
function findHeaders(root) {
  const candidates = [];
  try {
    const require = createRequire(pathToFileURL(join(root, "package.json")));
    candidates.push(join(dirname(require.resolve("node-api-headers/package.json")), "include"));
  } catch {}
  candidates.push(join(dirname(process.execPath), "..", "include", "node"));
  const found = candidates.find((dir) => existsSync(join(dir, "node_api.h")));
  if (!found) throw new Error("the engine needs the npm package node-api-headers (npm install)");
  return found;
}

/**
 * @param {string} sources
 * @param {string[]} names
 * @param {string} headers
 */
function stampOf(sources, names, headers) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([COMPILER, COMPILE, LINKS, process.platform, process.arch]));
  for (const name of names) hash.update(name).update(readFileSync(join(sources, name)));
  for (const name of readdirSync(headers).filter((header) => /^(js_native|node)_api/.test(header))) {
    hash.update(readFileSync(join(headers, name)));
  }
  return hash.digest("hex");
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const root = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
    const { file, built } = buildNative({ root, log: (line) => console.log(line) });
    if (!built) console.log(`engine: ${file} is up to date`);
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    process.exitCode = 2;
  }
}
