// @ts-check
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";

/**
 * One thing that must be there. `needed` is asked on every start, so it must be quick; `title` is the line that is printed.
 * @typedef {object} Step
 * @property {string} title
 * @property {() => boolean} needed
 * @property {() => void} [check] throws SetupError where it cannot be done, before anything is
 * @property {() => void | Promise<void>} run
 */

/** @param {string} line */
const log = (line) => void process.stderr.write(`setup: ${line}\n`);

/** @param {{ pack: boolean, test?: boolean, browser?: boolean }} options */
export async function runSteps({ pack, test = false, browser = false }) {
  const root = fileURLToPath(new URL("../../", import.meta.url)).replace(/[\\/]$/, "");
  const steps = await stepsFor(root, pack);
  if (test) {
    const [{ clangStep }, { gdbStep }] = await Promise.all([import("./clang.mjs"), import("./gdb.mjs")]);
    steps.push(clangStep(root, log), gdbStep(log));
  }
  if (browser) steps.push((await import("./chromium.mjs")).chromiumStep());
  if (!steps.some((step) => step.needed())) {
    if (steps.length === 2) log(`the engine for ${process.platform}-${process.arch} is there`);
    return;
  }
  await withLock(`${root}/.setup/lock`, log, async () => {
    for (const step of steps) {
      if (!step.needed()) continue;
      step.check?.();
      log(step.title);
      await step.run();
    }
  });
}

/**
 * A package has no sources to bundle: there only the engine can be missing.
 * @param {string} root
 * @param {boolean} pack
 * @returns {Promise<Step[]>}
 */
async function stepsFor(root, pack) {
  const { engineSteps } = await import("./engine.mjs");
  const [system, engine] = engineSteps(root, pack, log);
  if (!existsSync(`${root}/src`)) return [system, engine];
  const [{ npmStep }, { bundleStep }] = await Promise.all([import("./npm.mjs"), import("./bundle.mjs")]);
  return [system, npmStep(root), engine, bundleStep(root, pack)];
}
