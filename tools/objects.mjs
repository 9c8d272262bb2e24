#!/usr/bin/env node
// @ts-check
// Compiles the C sources of the tests' BPF objects, as their users would: npm run objects
//   node tools/objects.mjs                     test/fixtures/objects/*.c with each clang below, into clang-N/ beside them
//   node tools/objects.mjs --clang NAME OUT    with one compiler, into the folder OUT
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../test/fixtures/objects", import.meta.url));
const COMMITTED = ["clang-14", "clang-19"];

/**
 * Throws with what the compiler says.
 * @param {string} clang
 * @param {string} out
 * @param {readonly string[]} [sources]
 */
export function compileObjects(clang, out, sources = readdirSync(SOURCES).filter((name) => name.endsWith(".c"))) {
  mkdirSync(out, { recursive: true });
  const options = ["-O2", "-g", "--target=bpf", "-mcpu=v3", "-Wall", "-Werror"];
  for (const source of sources) {
    const object = join(resolve(out), `${basename(source, ".c")}.bpf.o`);
    // a relative name in the sources' own folder: nothing of the machine gets into the debug information
    const args = [...options, "-fdebug-compilation-dir=.", "-c", source, "-o", object];
    const { status, stderr, error } = spawnSync(clang, args, { cwd: SOURCES, encoding: "utf8" });
    if (status !== 0) throw new Error(`${clang} ${args.join(" ")}: ${error?.message ?? stderr}`);
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [flag, clang, out] = process.argv.slice(2);
  if (flag === "--clang") compileObjects(clang, out);
  else for (const name of COMMITTED) compileObjects(name, join(SOURCES, name));
}
