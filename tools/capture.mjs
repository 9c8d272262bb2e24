// @ts-check
// `npm run capture`: bundles tools/capture and runs it.
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outfile = `${root}dist/capture.mjs`;
await build({
  absWorkingDir: root,
  entryPoints: ["tools/capture/main.ts"],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  external: ["iced-x86", "*.node"],
  logLevel: "error",
});
await import(pathToFileURL(outfile).href);
