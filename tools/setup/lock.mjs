// @ts-check
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError } from "./error.mjs";

const POLL = 200;
const PATIENCE = 20 * 60_000;

/**
 * Runs `work` while no other process does: the lock is a file with the owner's process id. A lock whose owner is gone is taken over.
 * @template T
 * @param {string} path
 * @param {(line: string) => void} log
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, log, work) {
  createFolder(dirname(path));
  const start = Date.now();
  for (let waited = false; !acquire(path); waited = true) {
    if (!waited) log("waiting for another setup in this folder");
    if (Date.now() - start > PATIENCE)
      throw new SetupError(`another setup holds ${path} for 20 minutes; remove it if none runs.`);
    await sleep(POLL);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** @param {string} folder */
function createFolder(folder) {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new SetupError(`cannot write to ${folder}: ${/** @type {Error} */ (error).message}.`);
  }
}

/**
 * The file appears with its content or not at all, so whoever reads it knows the owner.
 * @param {string} path
 */
function acquire(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    removeStale(path);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Two may see the same stale lock: only the one whose rename finds that very file removes it.
 * @param {string} path
 */
function removeStale(path) {
  const owner = read(path);
  if (owner === undefined || isAlive(Number(owner))) return;
  const aside = `${path}.stale.${process.pid}`;
  try {
    const { ino } = statSync(path);
    renameSync(path, aside);
    if (statSync(aside).ino !== ino || read(aside) !== owner) linkSync(aside, path);
  } catch {
    // another process was quicker
  } finally {
    rmSync(aside, { force: true });
  }
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
