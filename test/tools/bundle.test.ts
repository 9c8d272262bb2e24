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
    expect(readdirSync(dist)).toEqual(
      expect.arrayContaining(["chunks", "index.js", "jitproof.js", "main.js", "worker.js"]),
    );
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

  test("a trace ends without a word when nobody reads on, however much there is to tell", async () => {
    const file = join(dist, "long.s");
    // hundreds of millions of instructions are too many for the budget, and ten million lines for this test
    writeFileSync(file, "r1 = 8000000\nr2 = f ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\nf: r0 = 0\nexit\n");
    const child = spawn(process.execPath, [bin, "trace", file], { stdio: ["ignore", "pipe", "pipe"] });
    const lines = await new Promise<string>((resolve) => child.stdout.once("data", (data) => resolve(`${data}`)));
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    const status = await new Promise((resolve) => child.on("close", resolve));
    expect([lines.split("\n")[0], stderr, status]).toEqual(["run 1: long on linux-7.2", "", 0]);
  });

  describe("on several threads", () => {
    const folder = join(dist, "scenarios");
    const scenario = (name: string, r0: number) =>
      writeFileSync(
        join(folder, `${name}.yaml`),
        `title: ${name}\nprograms: { p: "r0 = ${r0}\\nexit" }\nexpect: { r0: 1 }\n`,
      );
    const report = (jobs: number) => {
      const { stdout, stderr, status } = jitproof(
        "run",
        folder,
        "--profile",
        "linux-6.1",
        "--profile",
        "linux-6.12",
        "--reporter",
        "json",
        "--jobs",
        `${jobs}`,
      );
      return [stdout.replace(/"ms": .*/g, ""), stderr, status];
    };

    beforeAll(() => {
      mkdirSync(folder, { recursive: true });
      for (let i = 10; i < 60; i++) scenario(`s${i}`, i === 37 ? 2 : 1);
    });

    test("reports the same in the same order", () => {
      const [stdout, stderr, status] = report(1);
      expect([stderr, status]).toEqual(["", 1]);
      expect(JSON.parse(`${stdout}`.replace(/,(\s*})/g, "$1")).results).toHaveLength(100);
      expect(report(3)).toEqual([stdout, stderr, status]);
    });

    test("says of bad input the same, with its place: the first that is wrong, not the first that is found", () => {
      for (const [name, code] of [
        ["s20", "r0 = r9"],
        ["s55", "eixt"],
      ])
        writeFileSync(join(folder, `${name}.yaml`), `title: t\nprograms:\n  p: |\n    ${code}\n    exit\n`);
      const wrong = report(1);
      expect(wrong[1]).toMatch(/s20\.yaml:4:5: p: the verifier of linux-6\.1 refuses: [^\n]*\n$/);
      expect(report(3)).toEqual(wrong);
    });
  });

  test("replaces files one by one and keeps recent chunks, for those who run meanwhile", async () => {
    const before = readdirSync(join(dist, "chunks"));
    mkdirSync(join(dist, "chunks"), { recursive: true });
    writeFileSync(join(dist, "chunks", "old-ABCDEFGH.js"), "");
    await build({ root, dist });
    expect(readdirSync(join(dist, "chunks")).sort()).toEqual([...before, "old-ABCDEFGH.js"].sort());
  });
});
