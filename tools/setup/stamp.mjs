// @ts-check
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Files under folders (and files themselves) whose name passes, in a stable order. What doesn't exist is left out.
 * @param {string} root
 * @param {readonly string[]} paths relative to root
 * @param {(name: string) => boolean} passes
 * @returns {string[]} relative to root
 */
export function filesUnder(root, paths, passes) {
  return paths.flatMap((path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (!stat) return [];
    if (stat.isFile()) return [path];
    const names = readdirSync(join(root, path), { withFileTypes: true });
    const inside = names
      .filter((entry) => entry.isDirectory() || passes(entry.name))
      .map((entry) => `${path}/${entry.name}`);
    return filesUnder(root, inside.sort(), passes);
  });
}

/**
 * A hash over names, sizes and times: quick, and different after every edit.
 * @param {string} root
 * @param {readonly string[]} files
 */
export function hashOfStats(root, files) {
  const hash = createHash("sha1");
  for (const file of files) {
    const stat = statSync(join(root, file), { throwIfNoEntry: false });
    hash.update(`${file}\0${stat?.size}\0${stat?.mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/**
 * A hash over names and contents: the same after a checkout that changed nothing.
 * @param {string} root
 * @param {readonly string[]} files
 */
export function hashOfContents(root, files) {
  const hash = createHash("sha1");
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  return hash.digest("hex");
}

/** @param {string} root @param {string} name */
export function readStamp(root, name) {
  try {
    return readFileSync(join(root, ".setup", name), "utf8");
  } catch {
    return undefined;
  }
}

/** @param {string} root @param {string} name @param {string} content */
export function writeStamp(root, name, content) {
  writeAtomically(join(root, ".setup", name), content);
}

/**
 * The file has its old content or its new one at any time, whoever reads it.
 * @param {string} file
 * @param {string | Uint8Array} content
 * @param {number} [mode]
 */
export function writeAtomically(file, content, mode = 0o644) {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode });
  renameSync(temporary, file);
}
