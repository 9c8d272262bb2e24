import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { withLock } from "../../tools/setup/lock.mjs";
import { nodeProblem } from "../../tools/setup/node-version.mjs";
import { isInstalled, npmStep } from "../../tools/setup/npm.mjs";
import { filesUnder, hashOfContents, hashOfStats, writeAtomically } from "../../tools/setup/stamp.mjs";
import { ADVICE } from "../../tools/setup/system.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jitproof-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const put = (name: string, content: unknown) =>
  writeAtomically(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));

describe("Node.js", () => {
  test.each(["20.19.0", "20.20.2", "22.0.0", "24.1.0"])("%s will do", (version) => {
    expect(nodeProblem(version)).toBeUndefined();
  });

  test.each(["20.18.3", "18.20.0", "8.0.0"])("%s is too old, in one sentence", (version) => {
    expect(nodeProblem(version)).toBe(`jitproof needs Node.js 20.19 or newer, this is ${version}.`);
  });

  test("too old ends setup with 1 before anything else is read", () => {
    const old = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.0.0" } })';
    writeFileSync(join(folder, "old.cjs"), old);
    const { stderr, status } = spawnSync(process.execPath, ["-r", join(folder, "old.cjs"), "tools/setup.mjs"], {
      cwd: root,
      encoding: "utf8",
    });
    expect([stderr, status]).toEqual(["setup: jitproof needs Node.js 20.19 or newer, this is 18.0.0.\n", 1]);
  });
});

test("who cannot install is told the packages for apt, dnf and brew in one sentence", () => {
  expect(ADVICE).toMatch(/libunicorn-dev and g\+\+ \(apt\), unicorn-devel and gcc-c\+\+ \(dnf\) or unicorn \(brew\)/);
  expect(ADVICE.match(/\.(\s|$)/g)).toHaveLength(1);
});

describe("npm packages are installed when", () => {
  const lock = {
    packages: {
      "": { dependencies: { a: "1" } },
      "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
      "node_modules/b": { version: "2.0.0", integrity: "sha512-b", optional: true },
    },
  };
  const installed = { packages: { "node_modules/a": lock.packages["node_modules/a"] } };

  test("there are none", () => {
    put("package-lock.json", lock);
    expect(npmStep(folder).needed()).toBe(true);
  });

  test("the lock file asks for another version, or a package's folder is gone", () => {
    put("package-lock.json", lock);
    put("node_modules/.package-lock.json", { packages: { "node_modules/a": { version: "0.9.0", integrity: "x" } } });
    put("node_modules/a/package.json", {});
    expect(isInstalled(folder)).toBe(false);
    put("node_modules/.package-lock.json", installed);
    expect(isInstalled(folder)).toBe(true);
    rmSync(join(folder, "node_modules/a"), { recursive: true });
    expect(isInstalled(folder)).toBe(false);
  });

  test("and not when npm has done it already, by whatever command; packages for other platforms don't count", () => {
    put("package-lock.json", lock);
    put("node_modules/.package-lock.json", installed);
    put("node_modules/a/package.json", {});
    expect(npmStep(folder).needed()).toBe(false);
    expect(existsSync(join(folder, ".setup/npm"))).toBe(true);
    put("package-lock.json", { packages: { ...lock.packages, "node_modules/c": { version: "1.0.0" } } });
    expect(npmStep(folder).needed()).toBe(true);
  });
});

describe("what is made from files is made again", () => {
  test("after an edit (times and sizes), or only after a change (contents)", () => {
    put("src/a.ts", "1");
    put("src/deep/b.ts", "2");
    put("src/notes.md", "3");
    const files = filesUnder(folder, ["src", "none", "src/notes.md"], (name) => name.endsWith(".ts"));
    expect(files).toEqual(["src/a.ts", "src/deep/b.ts", "src/notes.md"]);
    const [stats, contents] = [hashOfStats(folder, files), hashOfContents(folder, files)];
    utimesSync(join(folder, "src/a.ts"), 1, 1);
    expect(hashOfStats(folder, files)).not.toBe(stats);
    expect(hashOfContents(folder, files)).toBe(contents);
    put("src/a.ts", "4");
    expect(hashOfContents(folder, files)).not.toBe(contents);
  });
});

describe("two setups at once", () => {
  const worker = `
    import { appendFileSync } from "node:fs";
    import { withLock } from ${JSON.stringify(join(root, "tools/setup/lock.mjs"))};
    const [folder, name] = process.argv.slice(-2);
    await withLock(folder + "/lock", () => {}, async () => {
      appendFileSync(folder + "/log", name + "+");
      await new Promise((done) => setTimeout(done, 20));
      appendFileSync(folder + "/log", name + "-");
    });`;
  const start = (name: string) =>
    new Promise((resolve) => {
      const args = ["--input-type=module", "-e", worker, folder, name];
      spawn(process.execPath, args, { stdio: "inherit" }).on("close", resolve);
    });

  test("work one after the other", async () => {
    expect(await Promise.all(["a", "b", "c", "d"].map(start))).toEqual([0, 0, 0, 0]);
    expect(readFileSync(join(folder, "log"), "utf8")).toMatch(/^(?:(\w)\+\1-){4}$/);
    expect(existsSync(join(folder, "lock"))).toBe(false);
  });

  test("take over from one that was killed", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", "0"]);
    writeFileSync(join(folder, "lock"), String(pid));
    expect(await Promise.all(["a", "b", "c"].map(start))).toEqual([0, 0, 0]);
    expect(readFileSync(join(folder, "log"), "utf8")).toMatch(/^(?:(\w)\+\1-){3}$/);
  });

  test("say so once while they wait, and let go when the work fails", async () => {
    const lines: string[] = [];
    const lock = join(folder, "lock");
    const first = withLock(
      lock,
      () => {},
      async () => {
        await new Promise((done) => setTimeout(done, 500));
        throw new Error("failed");
      },
    );
    const second = withLock(
      lock,
      (line) => lines.push(line),
      async () => "done",
    );
    await expect(first).rejects.toThrow("failed");
    expect(await second).toBe("done");
    expect(lines).toEqual(["waiting for another setup in this folder"]);
  });

  test("need a folder they may write to", async () => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub/file"), "");
    await expect(
      withLock(
        join(folder, "sub/file/lock"),
        () => {},
        async () => 1,
      ),
    ).rejects.toThrow(/^cannot write to /);
  });
});
