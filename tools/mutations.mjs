// Damaged inputs for each parser of binary and text formats: node tools/mutations.mjs [N] [SEED]
// Each must be accepted or refused in words; anything else is told with its seed, and the exit status is 1.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const inputs = Number(process.argv[2] ?? 10_000);
const first = Number(process.argv[3] ?? 1);
const folder = mkdtempSync(join(tmpdir(), "jitproof-mutations-"));
const file = join(folder, "parsers.mjs");
await build({
  stdin: {
    contents: 'export * from "./test/mutations/parsers.ts"; export * from "./test/mutations/mutate.ts";',
    resolveDir: root,
  },
  bundle: true,
  format: "esm",
  platform: "node",
  outfile: file,
  external: ["iced-x86"],
  define: { "import.meta.url": JSON.stringify(pathToFileURL(join(root, "test/mutations/parsers.ts")).href) },
  banner: {
    js: `import { createRequire as requireFrom } from "node:module"; const require = requireFrom(${JSON.stringify(join(root, "x.js"))});`,
  },
});
const { Numbers, TARGETS, survive } = await import(pathToFileURL(file).href);
rmSync(folder, { recursive: true });

let broken = 0;
for (const target of TARGETS) {
  const counts = { accepted: 0, refused: 0, broken: 0 };
  let slowest = 0;
  const start = performance.now();
  for (let seed = first; seed < first + inputs; seed++) {
    const before = performance.now();
    try {
      counts[survive(target, new Numbers(seed))]++;
    } catch (error) {
      if (counts.broken++ < 3) process.stdout.write(`${target.name}, seed ${seed}: ${error.stack}\n`);
    }
    slowest = Math.max(slowest, performance.now() - before);
  }
  broken += counts.broken;
  const memory = `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`;
  const times = `${((performance.now() - start) / 1000).toFixed(1)} s, slowest ${slowest.toFixed(0)} ms`;
  process.stdout.write(
    `${target.name}: ${inputs} inputs, ${counts.accepted} accepted, ${counts.refused} refused, ${counts.broken} broken; ${times}, ${memory}\n`,
  );
}
process.exitCode = broken ? 1 : 0;
