import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import type { ConformanceResult } from "../../../src/conformance/result.ts";
import { runVectors } from "../../../src/conformance/vectors.ts";
import { UserError } from "../../../src/error.ts";

const VECTORS = new URL("../../fixtures/conformance/vectors.jsonl", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "jitproof-vectors-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file with that content. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function run(path: string, on: string[] = ["linux-6.12"], filter?: RegExp): Promise<ConformanceResult[]> {
  const results: ConformanceResult[] = [];
  for await (const result of runVectors({ files: [path], jobs: 1, on, ...(filter ? { filter } : {}) }))
    results.push(result);
  return results;
}

/** The fixture's vector of that name, changed, as a file. */
function changed(name: string, change: object): string {
  const lines = readFileSync(VECTORS, "utf8").split("\n");
  const line = lines.find((text) => text.includes(`"${name}"`));
  return file("changed.jsonl", `${JSON.stringify({ ...JSON.parse(line ?? ""), ...change })}\n`);
}

/** `path: expected, actual` of what is wrong with the first result. */
const wrong = ([{ mismatches }]: ConformanceResult[]): string[] =>
  mismatches.map(({ path, expected, actual }) => `${path}: ${expected}, ${actual}`);

async function failure(path: string): Promise<string> {
  try {
    await run(path, ["interpreter"]);
    return "it runs";
  } catch (error) {
    if (error instanceof UserError) return `${error.location()}: ${error.message}`.replace(`${folder}/`, "");
    throw error;
  }
}

describe("our own vectors", () => {
  const kernels = ["linux-6.1", "linux-6.12", "linux-7.2"];
  test.each(["interpreter", ...kernels, ...kernels.map((name) => `${name}+harden`)])("all hold on %s", async (on) => {
    const results = await run(VECTORS, [on]);
    expect(
      results.filter(({ verdict }) => verdict !== "pass").map(({ scenario, mismatches }) => [scenario, mismatches]),
    ).toEqual([]);
    expect(results).toHaveLength(13);
    // all but the one that must not load
    expect(results.filter(({ jited }) => jited)).toHaveLength(on === "interpreter" ? 0 : 12);
  });

  test("each is run everywhere before the next", async () => {
    const results = await run(VECTORS, ["interpreter", "linux-6.12"], /stack/);
    expect(results.map(({ scenario, profile }) => `${scenario} on ${profile}`)).toEqual([
      "stack on interpreter",
      "stack on linux-6.12",
      "stack, as a big-endian CPU has it on interpreter",
      "stack, as a big-endian CPU has it on linux-6.12",
    ]);
  });

  test.each([
    ["gz", gzipSync],
    ["br", brotliCompressSync],
  ])("packed as .%s, and without the last newline", async (suffix, pack) => {
    const path = file(`vectors.jsonl.${suffix}`, pack(readFileSync(VECTORS, "utf8").trimEnd()));
    expect(await run(path, ["interpreter"])).toHaveLength(13);
  });
});

describe("a vector that does not hold", () => {
  test("names the run, what was expected and what came out", async () => {
    const path = changed("half word of the packet", {
      runs: [
        { data_size: 14, result: 0x800 },
        { data_size: 14, result: 8 },
      ],
    });
    for (const on of ["interpreter", "linux-6.12"])
      expect(wrong(await run(path, [on]))).toEqual(["run 2 (14 bytes of data): 0x8, 0x800"]);
  });

  test("a filter that is refused and should not be, and the other way round", async () => {
    expect(wrong(await run(changed("no ret", { flags: ["NO_DATA"] })))).toEqual([
      "load: it loads, errno -22: instruction 0: the last instruction is no ret",
    ]);
    expect(wrong(await run(changed("no ret", { expected_errcode: -524 })))).toEqual([
      "load: errno -524, errno -22: instruction 0: the last instruction is no ret",
    ]);
    const loads = changed("division by 0 in X", { flags: ["NO_DATA", "EXPECTED_FAIL"], expected_errcode: -22 });
    expect(wrong(await run(loads))).toEqual(["load: errno -22, it loads"]);
  });

  test("a program that faults is a finding on the machine, and said of the interpreter", async () => {
    const path = changed("large memory", { flags: ["NO_DATA"] }); // R1 is NULL
    expect(wrong(await run(path, ["interpreter"]))).toEqual([
      "run 1: 0x7, instruction 1: write of 8 bytes at 0x1388, where nothing is mapped",
    ]);
    const [onMachine] = await run(path);
    expect(onMachine).toMatchObject({ verdict: "fail", mismatches: [] });
    expect(onMachine.findings[0]).toMatchObject({ check: "fault", insn: 1 });
  });

  test("a wrong result is no big-endian one", async () => {
    const path = changed("stack", { runs: [{ data_size: 0, result: 0x1133 }] });
    expect(wrong(await run(path))).toEqual(["run 1: 0x1133, 0x7788"]);
  });
});

describe("vectors that were not made for this machine", () => {
  test("a big-endian CPU's result is told apart: ours must be the interpreter's", async () => {
    const [result] = await run(VECTORS, ["linux-6.12"], /big-endian/);
    expect(result).toMatchObject({ verdict: "pass", bigEndian: true, r0: 0x7788n });
  });

  test("ours may not be anything else then: a JIT that does not know signed division fails", async () => {
    // *(u64 *)(r10 - 8) = 0x1122334455667788; r0 = *(u16 *)(r10 - 8); r0 = -r0; w0 s/= 2
    const insns =
      "1801000088776655000000004433221" +
      "17b1af8ff00000000" +
      "69a0f8ff00000000" +
      "8700000000000000" +
      "3400010002000000" +
      "9500000000000000";
    const path = changed("stack", { insns, runs: [{ data_size: 0, result: (-0x1122 / 2) >>> 0 }] });
    expect((await run(path, ["linux-6.12"]))[0]).toMatchObject({ verdict: "pass", bigEndian: true });
    expect((await run(path, ["linux-5.4"]))[0]).toMatchObject({ verdict: "fail" });
  });

  test("numbers of a stubbed random generator are put in again, if they come to the result", async () => {
    const [result] = await run(VECTORS, ["linux-6.12"], /random/);
    expect(result).toMatchObject({ verdict: "pass", repaired: true });
    const other = changed("sum of random numbers, made with a stub", { runs: [{ data_size: 0, result: 1 }] });
    expect(wrong(await run(other))).toEqual(["run 1: 0x1, 0x0"]);
  });
});

describe("where a JIT gives up", () => {
  test("the kernel interprets, and so do we: blinding moves a jump beyond 16 bits", async () => {
    const insn = (hex: string, count = 1) => hex.repeat(count);
    // if r1 == 1 goto over 20,000 times r0 = 1, three instructions each when they are blinded; r0 = 2; exit
    const insns = `${insn("b701000001000000")}1501204e01000000${insn("b700000001000000", 20000)}b7000000020000009500000000000000`;
    const path = changed("stack", { insns, runs: [{ data_size: 0, result: 2 }] });
    const [plain, hardened] = await run(path, ["linux-6.12", "linux-6.12+harden"]);
    expect(plain).toMatchObject({ verdict: "pass", jited: true });
    expect(hardened).toMatchObject({ verdict: "pass", jited: false });
  });

  test("before 4.18 classic filters do not apply", async () => {
    const [result] = await run(VECTORS, ["linux-4.10"], /half word/);
    expect(result).toMatchObject({ verdict: "skip", reason: "classic filters are converted as kernels do since 4.18" });
  });
});

describe("bad files are one line with a place", () => {
  const good = readFileSync(VECTORS, "utf8").split("\n")[0];

  test("cut short in the middle of a line", async () => {
    const path = file("cut.jsonl", `${good}\n${good.slice(0, 100)}`);
    expect(await failure(path)).toBe("cut.jsonl:2:101: is no JSON here (cut short?)");
  });

  test("cut short packed: what is there is run first", async () => {
    const packed = gzipSync(Buffer.from(`${good}\n`.repeat(400)));
    expect(await failure(file("cut.jsonl.gz", packed.subarray(0, packed.length >> 1)))).toMatch(
      /^cut\.jsonl\.gz:\d+: is cut short or damaged: it does not unpack beyond here$/,
    );
  });

  test.each([
    ["damaged.jsonl.gz", "no gzip", "damaged.jsonl.gz:1: is cut short or damaged: it does not unpack beyond here"],
    ["damaged.jsonl.br", "no brotli", "damaged.jsonl.br:1: is cut short or damaged: it does not unpack beyond here"],
    ["empty.jsonl", "\n \n", "empty.jsonl: is empty; expected a test vector (a JSON object) a line"],
    ["list.jsonl", "[]", "list.jsonl:1:1: expected a JSON object, found []"],
  ])("%s", async (name, content, message) => expect(await failure(file(name, content))).toBe(message));

  test.each([
    [{ name: 7 }, "name: expected text, found 7"],
    [{ language: "bpf" }, 'language: expected cbpf or ebpf, found "bpf"'],
    [{ insns: "zz" }, 'insns: expected hex bytes, found "zz"'],
    [{ insns: "123" }, "insns: expected hex bytes, found an odd number of digits"],
    [{ insns: "1234" }, "insns: expected 1 to 1000000 instructions of 8 bytes, found 2 bytes"],
    [{ insns: "" }, "insns: expected 1 to 1000000 instructions of 8 bytes, found 0 bytes"],
    [{ n_insns: 3 }, "n_insns: expected 2, as insns has it, found 3"],
    [{ flags: ["NO_DAT"] }, 'unknown flag "NO_DAT"; did you mean "NO_DATA"?'],
    [{ flags: "NO_DATA" }, 'flags: expected a list, found "NO_DATA"'],
    [{ stack_depth: 513 }, "stack_depth: expected a number from 0 to 512, found 513"],
    [{ data: 5 }, "data: expected hex bytes, found 5"],
    [{ runs: [] }, "runs: expected at least one run, found none"],
    [{ runs: [{ data_size: 1 }] }, 'runs: expected {data_size: 0..65535, result: u32}, found {"data_size":1}'],
    [
      { runs: [{ data_size: -1, result: 0 }] },
      'runs: expected {data_size: 0..65535, result: u32}, found {"data_size":-1,"result":0}',
    ],
  ])("%j: %s", async (change, message) => {
    const [, place, what] =
      /^(changed\.jsonl:1:\d+): (.*)$/.exec(await failure(changed("half word of the packet", change))) ?? [];
    expect(what).toBe(message);
    expect(place).not.toBe("changed.jsonl:1:0");
  });
});
