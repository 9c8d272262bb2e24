import { describe, expect, test } from "vitest";
import { encodePacket, fromHex, hexNumber, PacketReader, type Received } from "../../../../src/debug/gdb/packet.ts";

const read = (...chunks: (string | Uint8Array)[]): (string | { data: string })[] => {
  const reader = new PacketReader();
  return chunks
    .flatMap((chunk) => reader.take(typeof chunk === "string" ? Buffer.from(chunk, "latin1") : chunk))
    .map((got: Received) => (got.kind === "packet" ? { data: got.data.toString("latin1") } : got.kind));
};

describe("what is received", () => {
  test.each<[what: string, wire: string, got: unknown[]]>([
    ["a packet", "$g#67", [{ data: "g" }]],
    ["an empty one", "$#00", [{ data: "" }]],
    ["several, with acknowledgements between", "+$g#67-$?#3f", ["ack", { data: "g" }, "nak", { data: "?" }]],
    ["Ctrl-C", "\x03", ["interrupt"]],
    ["Ctrl-C between packets", "$g#67\x03$g#67", [{ data: "g" }, "interrupt", { data: "g" }]],
    ["a wrong checksum", "$g#68", ["damaged"]],
    ["a checksum that is no number", "$g#zz", ["damaged"]],
    ["upper-case hex digits", "$m#6D", [{ data: "m" }]],
    ["an escape: the byte XOR 0x20", "$}\x03#80", [{ data: "#" }]],
    ["an escape without a byte", "$}#7d", ["damaged"]],
    ["a repetition: '0', and ' ' - 29 = 3 more", "$0* #7a", [{ data: "0000" }]],
    ["a repetition of nothing", "$* #4a", ["damaged"]],
    ["noise before a packet", "xyz$g#67", [{ data: "g" }]],
  ])("%s", (_, wire, got) => {
    expect(read(wire)).toEqual(got);
  });

  test("may come byte by byte", () => {
    expect(read(..."$m1,2#fc+")).toEqual([{ data: "m1,2" }, "ack"]);
  });

  test("without an end is given up at a megabyte", () => {
    expect(read("$", "x".repeat(1 << 20), "x", "$g#67")).toEqual(["damaged", { data: "g" }]);
  });
});

describe("what is sent", () => {
  test.each([
    ["OK", "$OK#9a"],
    ["", "$#00"],
    ["a#b", "$a}\x03b#43"],
    ["$}*", "$}\x04}]}\n#e2"],
  ])("%j", (data, wire) => {
    expect(encodePacket(data).toString("latin1")).toBe(wire);
  });

  test("every byte comes back", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(read(encodePacket(all))).toEqual([{ data: Buffer.from(all).toString("latin1") }]);
  });
});

test("numbers and bytes in hex", () => {
  expect([hexNumber("ffffffff81000000"), hexNumber("0"), hexNumber(""), hexNumber("xyz")]).toEqual([
    0xffffffff81000000n,
    0n,
    undefined,
    undefined,
  ]);
  expect([fromHex("00ff"), fromHex("0"), fromHex("zz")]).toEqual([Buffer.of(0, 255), undefined, undefined]);
});
