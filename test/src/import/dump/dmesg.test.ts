import { describe, expect, test } from "vitest";
import { ENTRY, fixtureText, parse, refusal, SUBPROG } from "./fixtures.ts";

const log = fixtureText("hierarchy.log");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const summary = (content: string) => parse(content).functions.map(({ address, bytes }) => [address, hex(bytes)]);
const both = [
  [0xffffffffc0000758n, ENTRY],
  [0xffffffffc00007ccn, SUBPROG],
];

describe("dmesg with net.core.bpf_jit_enable=2", () => {
  test("all images, not only the last, whatever stands between their lines", () => {
    expect(summary(log)).toEqual(both);
    expect(parse(log).notes).toEqual([]);
  });

  test.each([
    ["no timestamps", (line: string) => line.replace(/^\[.*?\] /, "")],
    ["syslog's", (line: string) => line.replace(/^\[/, "Nov 20 12:00:01 host kernel: [")],
    ["journalctl's", (line: string) => line.replace(/^\[.*?\] /, "Nov 20 12:00:01 host kernel: ")],
    ["with log levels", (line: string) => `<6>${line}`],
    ["carriage returns", (line: string) => `${line}\r`],
  ])("%s", (_, change) => {
    expect(summary(log.split("\n").map(change).join("\n"))).toEqual(both);
  });

  test("old kernels print an address in front of the bytes", () => {
    const old = log.replace(/JIT code: ([0-9a-f]{8}):/g, (_, offset: string) => {
      return `JIT code: ${(0xffffffffc0000758n + BigInt(`0x${offset}`)).toString(16)}:`;
    });
    expect(summary(old.slice(0, old.indexOf("flen=8")))).toEqual([both[0]]);
  });

  test("a function of several is compiled twice: the image that was written last counts", () => {
    const first = log.replace("e8 29 00 00 00", "e8 00 00 00 00");
    expect(summary(first + log)).toEqual(both);
    expect(parse(first + log).notes).toEqual([
      "2 images are left out, as others were written to the same address later",
    ]);
  });

  test.each(["00000000c0a1f3e2", "0000000000000000", "(____ptrval____)"])(
    "image=%s is no address: said, not believed",
    (image) => {
      const hashed = log.replace("ffffffffc0000758", image);
      expect(parse(hashed).functions[0].address).toBe(undefined);
      expect(parse(hashed).notes).toEqual([
        `line 2: image=${image} is no address but a hash of it (boot with no_hash_pointers): calls between images are not known`,
      ]);
    },
  );

  test("the first lines of the first image are gone, as the log is a ring: the rest is read", () => {
    const ring = log.split("\n").slice(3).join("\n");
    expect(summary(ring)).toEqual([both[1]]);
    expect(parse(ring).notes).toEqual(["line 1: code whose first lines, with flen=, are gone: left out"]);
  });
});

describe("what is wrong with it, and where", () => {
  test.each([
    [
      "cut short",
      log.slice(0, log.indexOf("00000030")),
      "dump:7:26: the image of line 2 ends after 48 of 99 bytes (cut short?)",
    ],
    [
      "a line is lost",
      log.replace(/^.*00000010: .*\n/m, ""),
      "dump:4:26: 0x00000020 where 0x10 comes next: lines of the log are gone",
    ],
    [
      "another image begins too early",
      log.replace(/^.*00000060: .*\n/m, ""),
      "dump:10:16: the image of line 2 ends after 96 of 99 bytes (cut short?)",
    ],
    [
      "all cc",
      log.replace(
        /(JIT code: [0-9a-f]{8}:)(.*)$/gm,
        (_, start: string, bytes: string) => start + bytes.replace(/[0-9a-f]{2}/g, "cc"),
      ),
      "dump:3:26: all 99 bytes are cc: this kernel dumps its image before it is written (5.18 and later); use bpftool prog dump jited ... opcodes",
    ],
    [
      "words in the other order",
      log.replace("f3 0f 1e fa 0f 1f 44 00", "fa1e0ff3 00441f0f"),
      "dump:3:36: words of several bytes, in whose order nobody can be sure; expected bytes such as 55 48 89 e5",
    ],
    ["no byte", log.replace("48 31 c0", "48 3x c0"), 'dump:3:66: "3x" is no byte; expected two hex digits'],
    ["no address", log.replace("ffffffffc0000758", "nowhere"), "dump:2:48: image=nowhere is no address"],
    [
      "more than it says",
      log.replace("proglen=99", "proglen=20"),
      "dump:4:26: more bytes than the 20 of proglen= (line 2)",
    ],
    ["no length", log.replace("proglen=99", "proglen=0"), "dump:2:24: proglen=0: expected 1 to 2097152 bytes"],
    ["only code", log.slice(log.indexOf("[ 1042.118237]")).replace(/^.*flen.*\n/gm, ""), "dump:"],
  ])("%s", (_, content, message) => {
    expect(refusal(content).slice(0, message.length)).toBe(message);
  });
});
