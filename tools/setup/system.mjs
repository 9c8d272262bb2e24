// @ts-check
import { spawnSync } from "node:child_process";
import { SetupError } from "./error.mjs";

/** What the engine is built with: the Debian package, and a test whether it is there. */
const NEEDS = [
  { apt: "g++", there: () => runs("c++", ["--version"]) || runs("g++", ["--version"]) },
  { apt: "libunicorn-dev", there: () => compiles("#include <unicorn/unicorn.h>\n") },
];

export const ADVICE =
  "jitproof builds on the Unicorn library and a C++ compiler: install libunicorn-dev and g++ (apt), unicorn-devel and gcc-c++ (dnf) or unicorn (brew) and start again.";

/** Debian packages that are missing. */
export function missingPackages() {
  return NEEDS.filter((need) => !need.there()).map((need) => need.apt);
}

/** Throws SetupError where there is no apt, or no right to use it. */
export function mayInstall() {
  if (!aptPrefix()) throw new SetupError(ADVICE);
}

/**
 * Installs Debian packages. Throws SetupError.
 * @param {readonly string[]} packages
 * @param {string} advice what to do instead where it fails
 */
export function installPackages(packages, advice = ADVICE) {
  const prefix = aptPrefix() ?? [];
  /** @param {string[]} args */
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, "apt-get", "-y", "-o", "DPkg::Lock::Timeout=300", ...args];
    return spawnSync(command, rest, { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  };
  const install = () => apt("install", "--no-install-recommends", ...packages);
  let result = install();
  if (result.status !== 0) {
    apt("update");
    result = install();
  }
  if (result.status === 0) return;
  const why = /^E: (.*)$/m.exec(result.stderr ?? "")?.[1] ?? `exit status ${result.status}`;
  throw new SetupError(`apt-get could not install ${packages.join(" and ")} (${why.replace(/\.$/, "")}). ${advice}`);
}

/** What goes before apt-get: nothing for root, sudo where it asks for no password; undefined: no way. */
function aptPrefix() {
  if (!runs("apt-get", ["--version"])) return undefined;
  if (process.getuid?.() === 0) return [];
  return runs("sudo", ["-n", "apt-get", "--version"]) ? ["sudo", "-n"] : undefined;
}

/** @param {string} command @param {string[]} args */
function runs(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** @param {string} source */
function compiles(source) {
  const options = ["-xc++", "-fsyntax-only", "-"];
  return ["c++", "g++"].some((compiler) => spawnSync(compiler, options, { input: source }).status === 0);
}
