import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { build } from "../../tools/build.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dist = join(root, ".setup", `test-${process.pid}`);
const bin = join(dist, "jitproof.js");
const jitproof = (...args: string[]) => spawnSync(process.execPath, [bin, ...args], { encoding: "utf8" });

beforeAll(() => build({ root, dist }));
afterAll(() => rmSync(dist, { recursive: true, force: true }));

describe("the bundle", () => {
  test("is a program and a library; --help reads one small file", () => {
    expect(statSync(bin).mode & 0o111).toBe(0o111);
    expect(statSync(bin).size).toBeLessThan(10_000);
    expect(readdirSync(dist)).toEqual(expect.arrayContaining(["chunks", "index.js", "jitproof.js", "main.js"]));
  });

  test("answers --help and --version, and finds package and catalogue from where it is", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(jitproof("--version")).toMatchObject({ stdout: `${version}\n`, stderr: "", status: 0 });
    expect(jitproof("--help").stdout).toContain("matrix [PATH...]");
    expect(jitproof("run", "--filter", "no such").stderr).toMatch(/^jitproof: no scenario's name matches .*\n$/);
  });

  test("is imported as a library", () => {
    const code = `import { parseScenario } from ${JSON.stringify(join(dist, "index.js"))};
      console.log(parseScenario("title: t\\nprograms: { a: exit }", "x.yaml").title)`;
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }).stdout).toBe("t\n");
  });

  test("ends without a word when nobody reads on", async () => {
    for (const args of [["--help"], ["run", "--help"]]) {
      const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] });
      child.stdout.destroy();
      let stderr = "";
      child.stderr.on("data", (data) => {
        stderr += data;
      });
      const status = await new Promise((resolve) => child.on("close", resolve));
      expect([stderr, status]).toEqual(["", 0]);
    }
  });

  test("replaces files one by one and keeps recent chunks, for those who run meanwhile", async () => {
    const before = readdirSync(join(dist, "chunks"));
    mkdirSync(join(dist, "chunks"), { recursive: true });
    writeFileSync(join(dist, "chunks", "old-ABCDEFGH.js"), "");
    await build({ root, dist });
    expect(readdirSync(join(dist, "chunks")).sort()).toEqual([...before, "old-ABCDEFGH.js"].sort());
  });
});
