import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runGdb } from "../debug/gdb/gdb.ts";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-debug-test-"));
const symbols = join(folder, "symbols");
const small = join(folder, "small.s");
writeFileSync(small, "r6 = 5\ncall f\nr0 += r6\nexit\nf: r0 = 1\nexit\n");

let taken: Server;
let port = 0;
beforeAll(async () => {
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  port = (taken.address() as { port: number }).port;
});
afterAll(() => {
  taken.close();
  rmSync(folder, { recursive: true });
});

test("says where the program is and how to start gdb; over when gdb is", async () => {
  const calling = call("debug", small, "--profile", "linux-6.1", "--gdb", "0", "--symbols", symbols);
  await vi.waitFor(() => readFileSync(join(symbols, "small.gdb")), { timeout: 30_000, interval: 20 });
  const said = await runGdb(["-x", join(symbols, "small.gdb"), "-ex", "break f", "-ex", "continue", "-ex", "print r6"]);
  expect(said).toContain("$1 = 5");
  const { stdout, stderr, code } = await calling;
  expect([stderr, code]).toEqual(["", 0]);
  expect(stdout.replaceAll(symbols, "SYMBOLS")).toBe(`small on linux-6.1: 18 instructions recorded
source   SYMBOLS/small.bpf
program  SYMBOLS/small.elf
waiting for: gdb -x SYMBOLS/small.gdb
`);
  expect(readFileSync(join(symbols, "small.bpf"), "utf8")).toContain("     1: call f  ");
});

test("a temporary folder does not stay", async () => {
  const ours = () => readdirSync(tmpdir()).filter((name) => /^jitproof-debug-\w{6}$/.test(name));
  const before = ours();
  await call("debug", small, "--gdb", `${port}`);
  expect(ours()).toEqual(before);
});

describe("bad input is one line", () => {
  test.each<[args: () => string[], line: () => string]>([
    [() => [small, "--gdb", "x"], () => "jitproof: --gdb x: expected a port, 0 to 65535\n"],
    [() => [small, "--gdb", "65536"], () => "jitproof: --gdb 65536: expected a port, 0 to 65535\n"],
    [
      () => [small, "--gdb", `${port}`],
      () =>
        `jitproof: --gdb ${port}: cannot wait for gdb on port ${port}: somebody else has it; name another one, or 0 for any that is free\n`,
    ],
    [
      () => [small, "--gdb", "0", "--profile", "linux-6.1", "--profile", "linux-6.12"],
      () => "jitproof: --profile names 2 profiles: debug takes one\n",
    ],
    [
      () => [small, "--gdb", "0", "--symbols", join(small, "x")],
      () => `${join(small, "x")}: cannot be written: ENOTDIR: not a directory, mkdir '${join(small, "x")}'\n`,
    ],
    [() => ["no-such-scenario", "--gdb", "0"], () => "no-such-scenario: "],
  ])("%#", async (args, line) => {
    const { stderr, code } = await call("debug", ...args());
    expect(stderr.slice(0, line().length)).toBe(line());
    expect([stderr.match(/\n/g)?.length, code]).toEqual([1, 2]);
  });
});
