import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { build } from "../../tools/build.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const checkout = join(root, ".setup", `package-${process.pid}`);
const project = mkdtempSync(join(tmpdir(), "jitproof-project-"));
afterAll(() => {
  for (const folder of [checkout, project]) rmSync(folder, { recursive: true, force: true });
});

/** What npm pack makes, unpacked into the node_modules of a project elsewhere, as npm install does. */
beforeAll(async () => {
  for (const name of ["package.json", "README.md", "LICENSE", "emulator/native", "dist/native", "tools", "schema"])
    cpSync(join(root, name), join(checkout, name), { recursive: true });
  cpSync(join(root, "scenarios/hierarchy"), join(checkout, "scenarios/hierarchy"), { recursive: true });
  await build({ root, dist: join(checkout, "dist"), pack: true });
  run(checkout, "npm", "pack", "--ignore-scripts", "--pack-destination", project);
  const installed = join(project, "node_modules/jitproof");
  mkdirSync(installed, { recursive: true });
  const { version, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  run(project, "tar", "xzf", `jitproof-${version}.tgz`, "--strip-components=1", "-C", installed);
  for (const name of [...Object.keys(dependencies), "vitest"])
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
  const options = { module: "NodeNext", target: "ES2022", lib: ["ES2023"], strict: true, noEmit: true, types: [] };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["use.ts"] }));
});

function run(cwd: string, command: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(command, args, { cwd, encoding: "utf8" });
  expect({ status, output: status ? stdout + stderr : "" }).toEqual({ status: 0, output: "" });
  return stdout;
}

const write = (name: string, text: string) => writeFileSync(join(project, name), text);

describe("the package, installed elsewhere", () => {
  test("is a library", () => {
    write(
      "use.mjs",
      `import { assemble, compile, run } from "jitproof";
       const program = assemble("r0 = 42\\nexit");
       console.log(compile(program, "linux-6.12").functions[0].bytes.length, run(program).r0);`,
    );
    expect(run(project, process.execPath, "use.mjs")).toMatch(/^\d+ 42n\n$/);
  });

  test("has types that are right by themselves, and find what is wrong in their use", () => {
    write(
      "use.ts",
      `import { assemble, compile, Machine, run, type Run } from "jitproof";
       const program = assemble("exit", { maps: { m: { type: "array", value_size: 8, max_entries: 1 } } });
       const code: Uint8Array = compile(program).functions[0].bytes;
       const result: Run = new Machine(program, "linux-6.12").run();
       export const r0: bigint | undefined = run(program).r0 ?? result.r0 ?? BigInt(code.length);
       // @ts-expect-error there is no such type of map
       assemble("exit", { maps: { m: { type: "arry", max_entries: 1 } } });`,
    );
    run(project, process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
  });

  test("has matchers for vitest, typed", () => {
    write(
      "use.ts",
      `import { run } from "jitproof";
       import "jitproof/vitest";
       import { expect, test } from "vitest";
       test("matchers", () => {
         expect(run("r0 = 1\\nexit")).toTakeTailCalls(0);
         expect(() => expect(run("r0 = 1\\nexit")).toTakeTailCalls(1)).toThrow("entry on linux-");
       });`,
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    run(project, process.execPath, tsc, "-p", ".", "--skipLibCheck");
    cpSync(join(project, "use.ts"), join(project, "use.test.ts"));
    run(project, process.execPath, join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", project);
  });

  test("has the program, and the catalogue with it", () => {
    const bin = join(project, "node_modules/jitproof/dist/jitproof.js");
    const out = run(project, process.execPath, bin, "run", "hierarchy/two-calls");
    expect(out).toMatch(/^✓ hierarchy\/two-calls .*\n3 passed \(1 breaks as declared\), 0 failed/);
    expect(run(project, process.execPath, bin, "report", "--html", "r.html", "hierarchy/xdp")).toContain("1 scenario,");
  });
});
