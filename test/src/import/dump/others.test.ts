import { describe, expect, test } from "vitest";
import { UserError } from "../../../../src/error.ts";
import { Kallsyms } from "../../../../src/import/dump/kallsyms.ts";
import { parseDump } from "../../../../src/import/dump/read.ts";
import { ENTRY, fixture, fixtureText, parse, refusal, SUBPROG } from "./fixtures.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("bpftool prog dump xlated ... opcodes", () => {
  const json = fixtureText("hierarchy.xlated.json");
  const text = fixtureText("hierarchy.xlated.txt");
  const first = "bf16000000000000182200000500000000000000000000007921000000000000";

  test("as JSON and as text: the same 18 instructions", () => {
    const [fromJson] = parse(json).bpf;
    const [fromText] = parse(text).bpf;
    expect(hex(fromJson.bytes)).toMatch(new RegExp(`^${first}`));
    expect(fromJson.bytes).toHaveLength(18 * 8);
    expect(fromText.bytes).toEqual(fromJson.bytes);
  });

  test.each([
    ["cut short", json.slice(0, 100), "dump:1:96: this text has no end (cut short?)"],
    [
      "text cut short",
      text.slice(0, text.lastIndexOf("\n       95")),
      "dump:33:16: ends here; expected the instruction's bytes (cut short?)",
    ],
    ["no opcodes", '[{"disasm":"(95) exit"}]', "dump:1:2: no BPF bytes here: dump it again with `opcodes`"],
    ["text without opcodes", "   0: (b7) r0 = 1\n   1: (95) exit\n", "dump:1:1: no BPF bytes here"],
    [
      "a slot is missing",
      text.replace("   3: (79)", "   4: (79)"),
      "dump:6:4: instruction 4 where 3 comes next: lines are missing",
    ],
    [
      "half a wide one",
      json.replace(/,"0x00","0x00","0x00","0x00","0x00","0x00","0x00","0x00"\]/, "]"),
      "dump:1:310: imm has 4 bytes; expected 12",
    ],
    [
      "an s390's",
      text.replace(
        /^( {7}.. .. )(.. ..) (.. .. .. ..)/gm,
        (_, head: string, off: string, imm: string) =>
          `${head}${off.split(" ").reverse().join(" ")} ${imm.split(" ").reverse().join(" ")}`,
      ),
      "dump:2:4: the numbers are big-endian",
    ],
  ])("%s", (_, content, message) => {
    expect(refusal(content).slice(0, message.length)).toBe(message);
  });
});

describe("hex and raw bytes", () => {
  const spaced = ENTRY.replace(/../g, "$& ");
  test.each([
    ["bytes", spaced],
    ["no spaces", ENTRY],
    ["C", `{ ${ENTRY.replace(/../g, "0x$&, ")}};`.replace(";", "")],
    ["escapes", `"${ENTRY.replace(/../g, "\\x$&")}"`],
    ["lines with comments", spaced.replace("55 ", "55 # push rbp\n")],
    ["xxd", xxd(ENTRY)],
    ["hexdump -C", hexdump(ENTRY)],
  ])("%s", (_, content) => {
    expect(parse(content, 0xffffffffc0000758n).functions.map(({ address, bytes }) => [address, hex(bytes)])).toEqual([
      [0xffffffffc0000758n, ENTRY],
    ]);
  });

  test("raw bytes need an address", () => {
    const raw = Buffer.from(ENTRY, "hex");
    expect(parse(raw, 0x1000n).functions.map(({ address, bytes }) => [address, hex(bytes)])).toEqual([
      [0x1000n, ENTRY],
    ]);
    expect(refusal(raw)).toMatch(/^dump: is binary: raw bytes need --at ADDRESS; else expected output of bpftool/);
  });

  test.each([
    ["half a byte", "f3 0f 1", 'dump:1:7: "1" has an odd number of digits (cut short?)'],
    ["no digit", "f3 0g", 'dump:1:5: "g" is no hex digit'],
    ["nothing", "# nothing\n", "dump:1:10: no bytes; expected hex such as f3 0f 1e fa"],
  ])("%s", (_, content, message) => {
    expect(refusal(content, 0n)).toBe(message);
  });

  test("what is none of all that", () => {
    expect(refusal("hello\n")).toMatch(
      /^dump:1:1: is no dump: expected output of bpftool prog dump with opcodes, a log/,
    );
    expect(refusal("")).toMatch(/^dump:1:1: is empty/);
  });
});

describe("perf's jitdump", () => {
  const file = fixture("hierarchy.jitdump");
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const copy = Buffer.from(file);
    change(copy);
    return copy;
  };

  test("every function that was loaded", () => {
    expect(parse(file).functions.map(({ name, address, bytes }) => [name, address, hex(bytes)])).toEqual([
      ["bpf_prog_8a3c5d1f0b2e4967_entry", 0xffffffffc0000758n, ENTRY],
      ["bpf_prog_de79f54d7c4d8e1b_subprog_tail", 0xffffffffc00007ccn, SUBPROG],
    ]);
  });

  test.each([
    ["a big-endian machine's", changed((bytes) => bytes.writeUInt32BE(0x4a695444)), "dump: the jitdump: is big-endian"],
    [
      "arm64's",
      changed((bytes) => bytes.writeUInt32LE(183, 12)),
      "dump: the jitdump: is of ELF machine 183; expected 62, x86-64 (at byte 12)",
    ],
    [
      "cut short",
      file.subarray(0, 200),
      "dump: the jitdump: is cut short: expected 187 more bytes, it has 200 in all (at byte 40)",
    ],
    [
      "a record without a size",
      changed((bytes) => bytes.writeUInt32LE(0, 44)),
      "dump: the jitdump: a record of 0 bytes; expected at least 16 (at byte 44)",
    ],
    [
      "an unknown record",
      changed((bytes) => bytes.writeUInt32LE(9, 40)),
      "dump: the jitdump: record type 9 is unknown (at byte 40)",
    ],
    ["no function", file.subarray(0, 40), "dump: the jitdump: has no function (JIT_CODE_LOAD)"],
  ])("%s", (_, bytes, message) => {
    expect(refusal(bytes).slice(0, message.length)).toBe(message);
  });
});

describe("kallsyms", () => {
  const symbols = (text: string) => new Kallsyms(text, "kallsyms");
  const wrong = (text: string): string => {
    try {
      symbols(text);
    } catch (error) {
      if (error instanceof UserError) return `${error.location()}: ${error.message}`;
      throw error;
    }
    return "it was accepted";
  };

  test("gives functions their addresses, and addresses their names", () => {
    const kallsyms = symbols(fixtureText("hierarchy.kallsyms"));
    const { functions } = parseDump(fixture("hierarchy.jited.json"), "dump", { kallsyms });
    expect(functions.map(({ address }) => address)).toEqual([0xffffffffc0000758n, 0xffffffffc00007ccn]);
    const log = parseDump(fixture("hierarchy.log"), "dump", { kallsyms });
    expect(log.functions[1].name).toBe("bpf_prog_de79f54d7c4d8e1b_subprog_tail");
  });

  test("functions of one name get theirs in order", () => {
    const kallsyms = symbols("ffffffffc0000010 t bpf_prog_1_F\t[bpf]\nffffffffc0000020 t bpf_prog_1_F\t[bpf]\n");
    expect(kallsyms.addresses("bpf_prog_1_F")).toEqual([0xffffffffc0000010n, 0xffffffffc0000020n]);
  });

  test.each([
    ["hidden", "0000000000000000 T _text\n", "kallsyms:1:1: all addresses are 0: read /proc/kallsyms as root"],
    ["no symbols", "\n", "kallsyms:1:1: has no symbols"],
    [
      "something else",
      "ffffffff81000000 T _text\nhello\n",
      'kallsyms:2:1: expected an address, a type and a name, such as "ffffffff81000000 T _text"',
    ],
  ])("%s", (_, text, message) => {
    expect(wrong(text).slice(0, message.length)).toBe(message);
  });
});

function xxd(all: string): string {
  return (all.match(/.{1,32}/g) ?? [])
    .map((row, i) => `${(16 * i).toString(16).padStart(8, "0")}: ${row.replace(/.{4}/g, "$& ").trim().padEnd(40)} .U..`)
    .join("\n");
}

function hexdump(all: string): string {
  return (all.match(/.{1,32}/g) ?? [])
    .map((row, i) => `${(16 * i).toString(16).padStart(8, "0")}  ${row.replace(/../g, "$& ").trim().padEnd(48)} |.U..|`)
    .join("\n");
}
