// @ts-check
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./error.mjs";
import { hashOfStats, readStamp, writeStamp } from "./stamp.mjs";

const INSTALLED = "node_modules/.package-lock.json";

/**
 * The npm packages that package-lock.json names, in exactly those versions.
 * @param {string} root
 * @returns {import("./steps.mjs").Step}
 */
export function npmStep(root) {
  const stamp = () => hashOfStats(root, ["package-lock.json", INSTALLED]);
  return {
    title: "npm packages (npm ci)",
    needed() {
      if (existsSync(join(root, INSTALLED)) && readStamp(root, "npm") === stamp()) return false;
      if (!isInstalled(root)) return true;
      writeStamp(root, "npm", stamp());
      return false;
    },
    run() {
      npmCi(root);
      writeStamp(root, "npm", stamp());
    },
  };
}

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean }} Entry
 * @param {string} root
 * @param {string} file
 * @returns {Record<string, Entry>}
 */
function packagesOf(root, file) {
  return JSON.parse(readFileSync(join(root, file), "utf8")).packages;
}

/**
 * Whether node_modules holds what the lock file asks for; npm keeps its own list of what it installed.
 * @param {string} root
 */
export function isInstalled(root) {
  if (!existsSync(join(root, INSTALLED))) return false;
  const wanted = packagesOf(root, "package-lock.json");
  const there = packagesOf(root, INSTALLED);
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === "") return true;
    const found = there[path];
    if (!found) return optional === true;
    return found.version === version && found.integrity === integrity && existsSync(join(root, path, "package.json"));
  });
}

/** @param {string} root */
function npmCi(root) {
  const cli = process.env.npm_execpath;
  const [command, ...before] = cli?.endsWith("npm-cli.js") && existsSync(cli) ? [process.execPath, cli] : ["npm"];
  const args = ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, error, stderr } = spawnSync(command, [...before, ...args], { cwd: root, encoding: "utf8" });
  if (error) throw new SetupError(`npm cannot be started (${error.message}); it comes with Node.js.`);
  if (status !== 0) {
    const lines = stderr
      .split("\n")
      .filter((line) => /^npm (error|ERR!) (?!(code|syscall|errno|path|command|A complete log)\b)/.test(line));
    const why = lines
      .map((line) => line.replace(/^npm (error|ERR!) /, "").trim())
      .filter(Boolean)
      .slice(0, 2)
      .join(" ");
    throw new SetupError(`npm ci failed: ${why || `exit status ${status}`}`);
  }
}
