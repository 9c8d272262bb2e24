// @ts-check
// Bundles src/ into dist/: npm run build. Chunks are named by their content and entries are renamed into place, so a jitproof
// that runs meanwhile keeps finding its files.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build as esbuild } from "esbuild";
import { SetupError } from "./setup/error.mjs";
import { writeAtomically } from "./setup/stamp.mjs";

const ENTRIES = {
  main: "src/cli/main.ts",
  index: "src/index.ts",
  vitest: "src/vitest.ts",
  worker: "src/runner/worker.ts",
  "search-worker": "src/search/worker.ts",
  "fuzz-worker": "src/fuzz/worker.ts",
  "mutant-worker": "src/mutants/worker.ts",
  "vector-worker": "src/conformance/vector/worker.ts",
};
const DAY = 24 * 3600_000;

/** CommonJS packages ask for node's own modules with require, which an ES module lacks. */
const REQUIRE =
  'import { createRequire as createRequire_ } from "node:module";\nconst require = createRequire_(import.meta.url);\n';

/**
 * @param {{ root: string, dist?: string, pack?: boolean }} options pack: nothing old stays in dist, types and licences are added
 */
export async function build({ root, dist = join(root, "dist"), pack = false }) {
  const library = await bundle(root, dist, {
    entryPoints: Object.fromEntries(Object.entries(ENTRIES).filter(([, file]) => existsSync(join(root, file)))),
    chunkNames: "chunks/[name]-[hash]",
    splitting: true,
  });
  // by itself, so that --help reads one file
  const bin = await bundle(root, dist, { entryPoints: { jitproof: "src/cli/bin.ts" }, plugins: [mainIsBeside] });
  const page = await bundlePage(root, dist);
  const outputFiles = [...library.outputFiles, ...bin.outputFiles, ...page.outputFiles];
  const chunksFirst = [...outputFiles].sort((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)));
  for (const { path, text } of chunksFirst)
    writeAtomically(path, withRequire(text), text.startsWith("#!") ? 0o755 : 0o644);
  removeOld(join(dist, "chunks"), new Set(outputFiles.map((file) => file.path)), pack ? 0 : DAY);
  if (pack) {
    writeFileSync(join(dist, "LICENSES.txt"), licences(root, Object.keys(library.metafile.inputs)));
    declare(root, join(dist, "types"));
  }
}

/**
 * The script and the style of `jitproof report`'s page, for browsers.
 * @param {string} root
 * @param {string} dist
 */
const bundlePage = (root, dist) =>
  bundle(root, dist, {
    entryPoints: { page: "src/report/html/page/main.ts", "page-style": "src/report/html/page/page.css" },
    format: "iife",
    platform: "browser",
    target: "es2022",
    minifyIdentifiers: true,
  });

/**
 * @param {string} root
 * @param {string} outdir
 * @param {import("esbuild").BuildOptions} options
 */
async function bundle(root, outdir, options) {
  try {
    return await esbuild({
      absWorkingDir: root,
      outdir,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20.19",
      external: ["iced-x86", "vitest", "*.node"],
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: "none",
      logLevel: "silent",
      ...options,
      metafile: true,
      write: false,
    });
  } catch (error) {
    const [first] = /** @type {import("esbuild").BuildFailure} */ (error).errors ?? [];
    throw new SetupError(`the bundle failed: ${first ? describe(first) : error}`);
  }
}

/** @type {import("esbuild").Plugin} */
const mainIsBeside = {
  name: "main is beside",
  setup: ({ onResolve }) => onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: "./main.js", external: true })),
};

/** @param {string} path */
const isEntry = (path) => basename(dirname(path)) !== "chunks";

/** @param {string} text */
function withRequire(text) {
  if (!/\brequire\b/.test(text)) return text;
  const [first, ...rest] = text.split("\n");
  return first.startsWith("#!") ? [first, REQUIRE + rest.join("\n")].join("\n") : REQUIRE + text;
}

/** @param {import("esbuild").Message} error */
function describe({ location, text }) {
  return location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text;
}

/** @param {string} folder @param {Set<string>} current @param {number} age milliseconds */
function removeOld(folder, current, age) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (!current.has(file) && stat && Date.now() - stat.mtimeMs >= age) rmSync(file, { force: true });
  }
}

/**
 * The licences of the packages that are in the bundle.
 * @param {string} root @param {string[]} inputs
 */
function licences(root, inputs) {
  const names = inputs
    .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
    .filter((name) => name !== undefined);
  const texts = [...new Set(names)].sort().map((name) => {
    const folder = join(root, "node_modules", name);
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), "utf8").trim() : ""}\n`;
  });
  return `Packages that are part of these files:\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

/** @param {string} root @param {string} outDir */
function declare(root, outDir) {
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  const config = join(outDir, "tsconfig.json");
  const from = relative(outDir, root);
  writeFileSync(
    config,
    JSON.stringify({
      extends: `${from}/tsconfig.json`,
      compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: from, outDir: "." },
      include: [],
      files: [`${from}/src/index.ts`, `${from}/src/vitest.ts`],
    }),
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
  rmSync(config);
  if (status !== 0) throw new SetupError(`the type declarations failed: ${stdout.split("\n")[0]}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  await build({ root: fileURLToPath(new URL("..", import.meta.url)) });
