#!/usr/bin/env node
// @ts-check
// Makes a fresh clone run: what is missing is installed or built, in steps that cost nothing when they are done.
//   node tools/setup.mjs           before `npm start`
//   node tools/setup.mjs --test    before `npm test`: also compilers for the BPF programs in it, and gdb
//   node tools/setup.mjs --browser before `npm run test:browser`: also a browser
//   node tools/setup.mjs --pack    before `npm pack`: also types and licences, nothing left over in dist
//   jitproof-setup                 in an installed package: the native engine for a platform it wasn't packed on
import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { nodeProblem } from "./setup/node-version.mjs";

/** Sets up the checkout or package that this file belongs to. Says why not in one sentence and ends the process with 1. */
export async function setup({ pack = false, test = false, browser = false } = {}) {
  try {
    const problem = nodeProblem(process.versions.node);
    if (problem) throw new Error(problem);
    const { runSteps } = await import("./setup/steps.mjs");
    await runSteps({ pack, test, browser });
  } catch (error) {
    process.stderr.write(`setup: ${error instanceof Error ? error.message : error}\n`);
    if (process.env.JITPROOF_DEBUG === "1") console.error(error);
    process.exit(1);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href)
  setup({
    pack: process.argv.includes("--pack"),
    test: process.argv.includes("--test"),
    browser: process.argv.includes("--browser"),
  });
