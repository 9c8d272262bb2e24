import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { applyDiff, type Block } from "./markdown.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** What a clone is built from. */
const SOURCES = ["bpf", "emulator", "jit", "src", "tools", "package.json", "tsconfig.json"];
/** What documents may read and not write. */
const SHARED = ["scenarios", "test", "node_modules"];

/** A folder in which a document's files are written and its commands run; `clone`: one whose sources may be changed. */
export class Place {
  readonly #folder: string;
  readonly #clone: boolean;

  constructor(name: string, clone: boolean) {
    this.#folder = join(root, ".setup", `docs-${process.pid}`, name.replace(/\W/g, "-"));
    this.#clone = clone;
    mkdirSync(join(this.#folder, "bin"), { recursive: true });
    for (const entry of SHARED) symlinkSync(join(root, entry), join(this.#folder, entry));
    writeFileSync(join(this.#folder, "vitest.config.mjs"), "export default {};\n"); // a project's own, not that of the tests
    if (clone) {
      for (const entry of SOURCES) cpSync(join(root, entry), join(this.#folder, entry), { recursive: true });
      mkdirSync(join(this.#folder, "dist"));
      symlinkSync(join(root, "dist/native"), join(this.#folder, "dist/native"));
    }
    const dist = join(clone ? this.#folder : root, "dist/jitproof.js");
    const build = clone ? `"${process.execPath}" tools/build.mjs && ` : "";
    this.#script("jitproof", `exec "${process.execPath}" "${dist}" "$@"`);
    this.#script("npm", `[ "$1 $2" = "start --" ] && shift 2 && ${build}exec jitproof run "$@"`);
  }

  #script(name: string, text: string): void {
    const file = join(this.#folder, "bin", name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }

  /** Put a block's file there, or its changes into one that is there. */
  write({ file, language, text }: Block): void {
    const path = join(this.#folder, file!);
    if (SHARED.some((entry) => file!.startsWith(entry)) || !path.startsWith(this.#folder))
      throw new Error(`${file} must not be written`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, language === "diff" ? applyDiff(readFileSync(path, "utf8"), text) : text);
  }

  /** What a command writes, on either stream. */
  run(command: string): string {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^(GITHUB_STEP_SUMMARY|FORCE_COLOR|VITEST|TEST|NODE_ENV)/.test(name),
      ),
    );
    const { stdout } = spawnSync("sh", ["-c", `exec 2>&1; ${command}`], {
      cwd: this.#folder,
      encoding: "utf8",
      env: { ...env, NO_COLOR: "1", PATH: `${join(this.#folder, "bin")}:${process.env.PATH}` },
    });
    return stdout;
  }

  get isClone(): boolean {
    return this.#clone;
  }

  static cleanUp(): void {
    rmSync(join(root, ".setup", `docs-${process.pid}`), { recursive: true, force: true });
  }
}
