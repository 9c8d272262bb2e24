// Writes schema/scenario.schema.json from the loader's own grammar: npm run schema
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { outputFiles } = await build({
  stdin: { contents: 'export { scenarioSchema } from "./src/scenario/schema.ts"', resolveDir: root },
  bundle: true,
  format: "esm",
  platform: "node",
  write: false,
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(process.cwd() + "/x.js");',
  },
});
const code = Buffer.from(outputFiles[0].contents).toString("base64");
const { scenarioSchema } = await import(`data:text/javascript;base64,${code}`);
mkdirSync(join(root, "schema"), { recursive: true });
writeFileSync(join(root, "schema", "scenario.schema.json"), `${JSON.stringify(scenarioSchema(), null, 2)}\n`);
