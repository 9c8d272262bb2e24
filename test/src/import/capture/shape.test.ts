import { describe, expect, test } from "vitest";
import { checkAgainst, checkSet } from "../../../../src/import/capture/agree.ts";
import { checkCapture, checkKernel, checkPrograms } from "../../../../src/import/capture/shape.ts";
import { openFixture, setOf } from "./fixtures.ts";

const opened = openFixture("x86_64-6.12-default");
const { record, source } = setOf(opened, "tailcall.d_both_8_0");
const trampoline = setOf(opened, "trampoline.1");

/** A copy with the value at a dotted path replaced; undefined: taken out. */
function altered(value: unknown, path: string, replacement: unknown): unknown {
  const copy = structuredClone(value);
  const keys = path.split(".");
  const last = keys.pop()!;
  // biome-ignore lint/suspicious/noExplicitAny: any JSON
  const owner = keys.reduce((object: any, key) => object[key], copy);
  if (replacement === undefined) delete owner[last];
  else owner[last] = replacement;
  return copy;
}

/** The message that a check throws for a changed value. */
function complaint(check: (value: unknown) => unknown, value: unknown, path: string, replacement: unknown): string {
  try {
    check(altered(value, path, replacement));
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

const HEX = "expected pairs of hex digits";
const ADDRESS = "expected a hex address";

describe("a record says of itself what is wrong, by its path", () => {
  test.each([
    ["set", undefined, 'Invalid key: Expected "set" but received undefined'],
    ["set", 7, "Invalid type: Expected string but received 7"],
    ["progs.0.insns", "b70000000000000", HEX],
    ["progs.0.insns", "b7 0000000000000", HEX],
    ["progs.0.insns", 0, "Invalid type: Expected string but received 0"],
    ["progs.1.type", -1, "Invalid value: Expected >=0 but received -1"],
    ["progs.1.type", 1.5, "Invalid safe integer: Received 1.5"],
    ["maps.0.max", 1e300, "Invalid safe integer: Received 1e+300"],
    ["maps", {}, "Invalid type: Expected Array but received Object"],
    ["slots.0.idx", "0", 'Invalid type: Expected number but received "0"'],
    ["runs.0.data_len", 0x10001, "Invalid value: Expected <=65536 but received 65537"],
  ])("programs: %s = %j", (path, replacement, message) => {
    expect(complaint(checkPrograms, source, path, replacement)).toBe(`${path}: ${message}`);
  });

  test.each([
    ["progs.0.jited", 1, "Invalid type: Expected boolean but received 1"],
    ["progs.0.funcs.1.addr", "0xffff", ADDRESS],
    ["progs.0.funcs.1.addr", "", ADDRESS],
    ["progs.0.funcs.1.addr", "1ffffffffc0000d20", ADDRESS],
    ["progs.0.funcs.1.hex", "f3 0f", HEX],
    ["progs.0.xlated", null, "Invalid type: Expected string but received null"],
    ["runs.0.retval", "73", 'Invalid type: Expected number but received "73"'],
    ["runs.0.maps", undefined, 'Invalid key: Expected "maps" but received undefined'],
    ["runs.0.maps.cnt.0", 1, "Invalid type: Expected string but received 1"],
  ])("capture: %s = %j", (path, replacement, message) => {
    expect(complaint(checkCapture, record, path, replacement)).toBe(`${path}: ${message}`);
  });

  test.each([
    ["release", undefined, 'Invalid key: Expected "release" but received undefined'],
    ["options.return", 7, "Invalid type: Expected string but received 7"],
    ["options.indirect_jump_targets", "x", 'Invalid type: Expected Array but received "x"'],
    ["bpf_call_base", "zz", ADDRESS],
    ["btf.structs.bpf_map.size", -8, "Invalid value: Expected >=0 but received -8"],
    ["btf.structs.bpf_map.members", undefined, 'Invalid key: Expected "members" but received undefined'],
  ])("kernel: %s = %j", (path, replacement, message) => {
    expect(complaint(checkKernel, opened.capture.kernel, path, replacement)).toBe(`${path}: ${message}`);
  });
});

describe("a set fits together", () => {
  test.each([
    ["progs.0.insns", `${source.progs[0].insns}00`, / bytes are no whole instructions$/],
    ["progs.1.name", "entry", /^progs\.1\.name: there are two entry$/],
    ["maps.1.name", source.maps[0].name, /^maps\.1\.name: there are two /],
    ["progs.0.relocs.0.map", "none", /^progs\.0\.relocs\.0\.map: there is no map none in the set$/],
    ["progs.0.relocs.0.insn", 9999, /^progs\.0\.relocs\.0\.insn: 9999, of \d+ instructions$/],
    [
      "progs.0.relocs.0.insn",
      source.progs[0].insns.length / 16 - 1,
      /^progs\.0\.relocs\.0\.insn: \d+ has no second half$/,
    ],
    ["slots.0.map", "none", /^slots\.0\.map: there is no map none in the set$/],
    ["slots.0.prog", "none", /^slots\.0\.prog: there is no program none in the set$/],
    ["runs.0.prog", "none", /^runs\.0\.prog: there is no program none in the set$/],
    ["runs.0.init.0", { map: "none", idx: 0, hex: "" }, /^runs\.0\.init\.0\.map: there is no map none in the set$/],
    ["maps.0.max", 1 << 26, /^maps\.0: 67108864 values of \d+ bytes are too much$/],
  ])("programs: %s = %j", (path, replacement, message) => {
    expect(complaint(checkSet as never, source, path, replacement)).toMatch(message);
  });

  test("programs: what a tracing program is attached to exists", () => {
    const attached = trampoline.source.progs.findIndex(({ attach }) => attach);
    const path = `progs.${attached}.attach.prog`;
    expect(complaint(checkSet as never, trampoline.source, path, "none")).toBe(
      `${path}: there is no program none in the set`,
    );
  });

  test.each([
    ["progs.1.name", "t3", "progs: entry t3 t2; expected those of programs.jsonl: entry t1 t2"],
    ["maps.cnt", undefined, "maps: the address of cnt is missing"],
    ["progs.0.funcs", [], "progs.0.funcs: empty, but the program is said to be compiled"],
    ["progs.0.funcs.1.len", 90, "progs.0.funcs.1.hex: 89 bytes, but len says 90"],
    ["progs.0.funcs.1.hex_final", "cc", "progs.0.funcs.1.hex_final: 1 bytes, but len says 89"],
    ["runs.0.prog", "t1", "runs: t1; expected those of programs.jsonl: entry"],
  ])("capture: %s = %j", (path, replacement, message) => {
    expect(complaint((value) => checkAgainst(value as never, source), record, path, replacement)).toBe(message);
  });

  test("what the kernels recorded passes", () => {
    for (const { set } of opened.capture.records) {
      const { record, source } = setOf(opened, set);
      checkSet(checkPrograms(source));
      checkAgainst(checkCapture(record), source);
    }
  });
});
