import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { UserError } from "../../../../src/error.ts";
import { readCapture } from "../../../../src/import/capture/read.ts";
import { call } from "../../cli/call.ts";
import { smallCapture } from "./fixtures.ts";

const VARIANT = "x86_64-6.12-default";
const folder = mkdtempSync(join(tmpdir(), "jitproof-read-"));
const at = (name: string) => join(folder, name);
const CAPTURE = `${VARIANT}.jsonl`;
const KERNEL = `${VARIANT}.kernel.json`;
const PROGRAMS = "programs.jsonl";
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  smallCapture(folder, VARIANT, ["ldimm64.c_0", "tailcall.d_both_8_0"]);
});

/** `place: message` of what reading the capture throws, places in the folder by their name. */
function complaint(file = CAPTURE): string {
  try {
    readCapture(at(file));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `${error.location()}: ${error.message}`.replaceAll(`${folder}/`, "");
  }
  throw new Error("it was read");
}

/** Change a file's bytes. */
const change = (name: string, edit: (text: string) => string | Buffer) =>
  writeFileSync(at(name), edit(readFileSync(at(name), "utf8")));

describe("what is read", () => {
  const sets = (file: string) => readCapture(at(file)).records.map(({ set }) => set);

  test("records, the kernel, and the programs by set", () => {
    const { variant, kernel, records, programs } = readCapture(at(CAPTURE));
    expect(variant).toBe(VARIANT);
    expect(kernel.release).toBe("6.12.95+deb12-cloud-amd64");
    expect(records.map(({ set }) => set)).toEqual([...programs.keys()]);
  });

  test.each([
    ["brotli", ".br", brotliCompressSync],
    ["gzip", ".gz", gzipSync],
  ] as const)("packed with %s, each of the three files or only some", (_, suffix, pack) => {
    const plain = sets(CAPTURE);
    for (const name of [CAPTURE, KERNEL, PROGRAMS]) {
      writeFileSync(at(name + suffix), pack(readFileSync(at(name))));
      rmSync(at(name));
      expect(sets(CAPTURE + suffix)).toEqual(plain);
    }
  });

  test("empty lines and a last line without an end", () => {
    change(CAPTURE, (text) => `\n${text.trim()}`);
    expect(sets(CAPTURE)).toHaveLength(2);
  });
});

/** what is done to the files -> the complaint */
const TORN: [string, () => void, string | RegExp][] = [
  ["no such file", () => rmSync(at(CAPTURE)), `${CAPTURE}: no such file`],
  ["the kernel record is missing", () => rmSync(at(KERNEL)), `${CAPTURE}: ${KERNEL}[.br] is missing beside it`],
  ["the programs are missing", () => rmSync(at(PROGRAMS)), `${CAPTURE}: ${PROGRAMS}[.br] is missing beside it`],
  ["empty", () => change(CAPTURE, () => ""), `${CAPTURE}: is empty; expected one JSON object a line`],
  ["only blank lines", () => change(CAPTURE, () => " \n\n"), `${CAPTURE}: is empty; expected one JSON object a line`],
  ["programs empty", () => change(PROGRAMS, () => ""), `${PROGRAMS}: is empty; expected one JSON object a line`],
  ["kernel record empty", () => change(KERNEL, () => ""), `${KERNEL}:1:1: is no JSON here (cut short?)`],
  [
    "a folder in its place",
    () => {
      rmSync(at(CAPTURE));
      mkdirSync(at(CAPTURE));
    },
    `${CAPTURE}: is a folder; expected a file`,
  ],
  [
    "a folder instead of the kernel record",
    () => {
      rmSync(at(KERNEL));
      mkdirSync(at(KERNEL));
    },
    `${KERNEL}: is a folder; expected a file`,
  ],
  [
    "the last line cut",
    () => change(CAPTURE, (text) => text.slice(0, -1000)),
    new RegExp(`^${CAPTURE}:2:\\d+: is no JSON here`),
  ],
  [
    "the first line cut",
    () => change(CAPTURE, (text) => text.replace(/.{50}\n/, "\n")),
    new RegExp(`^${CAPTURE}:1:\\d+: is no JSON here`),
  ],
  [
    "garbage",
    () => change(CAPTURE, () => Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0])),
    `${CAPTURE}:1: is no JSON here (cut short?)`,
  ],
  [
    "UTF-16",
    () => change(CAPTURE, (text) => Buffer.from(`\ufeff${text}`, "utf16le")),
    `${CAPTURE}:1: is no JSON here (cut short?)`,
  ],
  [
    "an array",
    () => change(CAPTURE, () => "[]\n"),
    `${CAPTURE}:1:1: set: Invalid key: Expected "set" but received undefined`,
  ],
  [
    "a number",
    () => change(CAPTURE, () => "7\n"),
    `${CAPTURE}:1:1: record: Invalid type: Expected Object but received 7`,
  ],
  [
    "null",
    () => change(CAPTURE, () => "null\n"),
    `${CAPTURE}:1:1: record: Invalid type: Expected Object but received null`,
  ],
  [
    "the programs in the capture's place",
    () => cpSync(at(PROGRAMS), at(CAPTURE)),
    `${CAPTURE}:1:1: maps.0.addr: Invalid key: Expected "addr" but received undefined`,
  ],
  [
    "a set that has no programs",
    () => change(PROGRAMS, (text) => text.slice(0, text.indexOf("\n"))),
    `${CAPTURE}:2:1: set: there is no tailcall.d_both_8_0 in programs.jsonl`,
  ],
  [
    "two sets of one name",
    () => change(PROGRAMS, (text) => text + text),
    `${PROGRAMS}:3:1: set: there are two ldimm64.c_0`,
  ],
];

describe("what cannot be read is one line with its place", () => {
  test.each(TORN)("%s", (_, tear, expected) => {
    tear();
    expect(complaint()).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
  });

  test.each([
    ["gzip", ".gz", gzipSync],
    ["brotli", ".br", brotliCompressSync],
  ] as const)("%s that is cut short, damaged, or none", (_, suffix, pack) => {
    const packed = Buffer.from(pack(readFileSync(at(CAPTURE))));
    const damaged = Buffer.from(packed);
    damaged.fill(0x55, packed.length >> 1);
    for (const bytes of [packed.subarray(0, packed.length >> 1), packed.subarray(0, 3), damaged, Buffer.from("{}")]) {
      writeFileSync(at(CAPTURE + suffix), bytes);
      expect(complaint(CAPTURE + suffix)).toBe(`${CAPTURE}${suffix}: is cut short or damaged: it does not unpack`);
    }
  });

  test.each(["capture.txt", "capture.json", "x86_64", "programs.jsonl.xz"])(
    "a name that is no capture's: %s",
    (name) => {
      writeFileSync(at(name), "");
      expect(complaint(name)).toBe(`${name}: expected a capture, VARIANT.jsonl or VARIANT.jsonl.br`);
    },
  );
});

describe("on the command line it is exit 2 and nothing on stdout", () => {
  test.each(["compare", "replay"])("%s", async (command) => {
    const said = async (...args: string[]) => {
      const { stdout, stderr, code } = await call(command, ...args);
      return [code, stdout, stderr.replaceAll(`${folder}/`, "")];
    };
    expect(await said(at("none.jsonl"))).toEqual([2, "", "none.jsonl: no such file or folder\n"]);
    mkdirSync(at("empty"));
    expect(await said(at("empty"))).toEqual([2, "", "empty: has no x86_64-*.jsonl[.br] in it\n"]);
    expect((await said())[0]).toBe(2);
    change(CAPTURE, (text) => text.slice(0, -1000));
    expect(await said(folder)).toEqual([
      2,
      "",
      expect.stringMatching(new RegExp(`^${CAPTURE}:2:\\d+: is no JSON here \\(cut short\\?\\)\n$`)),
    ]);
  });
});
