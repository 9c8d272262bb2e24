import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../error.ts";
import { packageRoot } from "../../root.ts";

/** What the page runs and how it looks. */
export interface Assets {
  script: string;
  style: string;
}

/** The page's script and style, as tools/build.mjs bundled them from page/. */
export function pageAssets(): Assets {
  const [script, style] = ["page.js", "page-style.css"].map((name) => {
    const file = join(packageRoot(), "dist", name);
    if (!existsSync(file)) throw new UserError("the page's script is missing; npm run build makes it", { file });
    return readFileSync(file, "utf8");
  });
  return { script, style };
}
