import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodeInsns, encodeInsns } from "../../bpf/insn.ts";
import type { CaptureRecord } from "../../src/import/capture/format.ts";
import { openCapture } from "../../src/import/capture/open.ts";
import { checkCapture } from "../../src/import/capture/shape.ts";
import type { GuestEvent } from "../../tools/capture/boot.ts";
import { programsText, unsupported } from "../../tools/capture/corpus.ts";
import { cpio } from "../../tools/capture/cpio.ts";
import { captureRecord } from "../../tools/capture/record.ts";

const { capture } = openCapture(new URL("../fixtures/captures/x86_64-6.12-default.jsonl.br", import.meta.url).pathname);

/** What the guest would have written for a record: the map ids are the kernel's own. */
function guest({ set, maps, progs, runs = [], errors = [] }: CaptureRecord): GuestEvent[] {
  const names = capture.programs.get(set)!.maps.map(({ name }) => name);
  const ids = Object.fromEntries(names.map((name, i) => [name, 40 + i]));
  const withIds = (xlated: string, refs: CaptureRecord["progs"][0]["map_refs"] = []): string => {
    const insns = decodeInsns(Buffer.from(xlated, "hex"));
    for (const { insn, map } of refs) insns[insn].imm = ids[map];
    return Buffer.from(encodeInsns(insns)).toString("hex");
  };
  const image = (prog: CaptureRecord["progs"][0], when: string) => ({
    ev: "image",
    prog: prog.name,
    when,
    jited_len: prog.jited ? 1 : 0,
    funcs: prog.funcs.map(({ addr, hex, hex_final }) => ({ addr, hex: when === "final" ? (hex_final ?? hex) : hex })),
    ...(when === "loaded" ? { xlated: withIds(prog.xlated, prog.map_refs) } : {}),
  });
  return [
    { ev: "maps", maps: ids },
    ...progs.map(({ name, stack_depth }) => ({
      ev: "load",
      prog: name,
      errno: 0,
      stack_depth: stack_depth?.join("+"),
    })),
    ...progs.map((prog) => image(prog, "loaded")),
    ...progs.map((prog) => image(prog, "final")),
    ...(errors as GuestEvent[]),
    { ev: "addresses", maps },
    ...runs.map((run) => ({ ev: "run", ...run })),
  ];
}

describe("the capture tool", () => {
  test.each(["alu64", "bpf2bpf", "tailcall", "privstack", "exception", "named"])(
    "%s: what the guest says becomes the record of a capture",
    (family) => {
      const records = capture.records.filter((record) => record.family === family).slice(0, 12);
      for (const record of records) {
        const made = captureRecord(capture.programs.get(record.set)!, guest(record)) as CaptureRecord;
        expect(checkCapture(JSON.parse(JSON.stringify(made)))).toBeDefined();
        expect(made.maps, record.set).toEqual(record.maps);
        expect(made.runs, record.set).toEqual(record.runs ?? []);
        for (const [i, prog] of record.progs.entries())
          expect(made.progs[i], record.set).toMatchObject({ xlated: prog.xlated, funcs: prog.funcs, type: prog.type });
      }
      expect(records.length).toBeGreaterThan(0);
    },
  );

  test("a program that the verifier refuses: the set is left out, and why is kept", () => {
    const [record] = capture.records;
    const events = guest(record).map((event) =>
      event.ev === "load" ? { ...event, errno: 22, log: "R1 !read_ok\n" } : event,
    );
    expect(captureRecord(capture.programs.get(record.set)!, events)).toBe(
      `${record.progs[0].name}: errno 22 R1 !read_ok`,
    );
  });

  test("programs in the words of init.c", () => {
    const text = programsText([
      {
        set: "tail.1",
        family: "tail",
        maps: [{ name: "jmp", type: 3, key: 4, value: 4, max: 1 }],
        progs: [
          {
            name: "entry",
            type: 3,
            insns: "18020000000000000000000000000000b7000000000000009500000000000000",
            relocs: [{ insn: 0, map: "jmp", kind: "map" }],
            btf_funcs: [{ name: "entry", insn: 0 }],
          },
        ],
        slots: [{ map: "jmp", idx: 0, prog: "entry" }],
        runs: [{ prog: "entry", data_len: 64, init: [{ map: "jmp", idx: 0, hex: "01" }] }],
      },
    ]);
    expect(text.trimEnd().split("\n")).toEqual([
      "set tail.1",
      "map jmp 3 4 4 1",
      "prog entry 3 18020000000000000000000000000000b7000000000000009500000000000000",
      "reloc 0 map jmp",
      "func entry 0 -1",
      "slot jmp 0 entry",
      "init jmp 0 01",
      "run entry 64",
      "end",
    ]);
  });

  test("sets with trampolines are not for it", () => {
    const traced = capture.records.find(({ family }) => family === "trampoline")!;
    expect(unsupported(capture.programs.get(traced.set)!)).toMatch(/^attaches trampolines/);
  });

  test("an initramfs that cpio can read", () => {
    const archive = cpio([
      { name: "dev", mode: 0o40755, content: new Uint8Array() },
      { name: "init", mode: 0o100755, content: Buffer.from("#!") },
    ]);
    const names: string[] = [];
    for (let at = 0; at < archive.length; ) {
      const field = (i: number): number =>
        Number.parseInt(Buffer.from(archive.subarray(at + 6 + 8 * i, at + 14 + 8 * i)).toString(), 16);
      expect(Buffer.from(archive.subarray(at, at + 6)).toString()).toBe("070701");
      names.push(Buffer.from(archive.subarray(at + 110, at + 110 + field(11) - 1)).toString());
      at = Math.ceil((at + 110 + field(11)) / 4) * 4 + Math.ceil(field(6) / 4) * 4;
    }
    expect(names).toEqual(["dev", "init", "TRAILER!!!"]);
  });

  test("init.c compiles without a warning", ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), "jitproof-init-"));
    const source = new URL("../../tools/capture/init.c", import.meta.url).pathname;
    try {
      execFileSync("cc", ["--version"], { stdio: "ignore" });
    } catch {
      skip("there is no C compiler");
    }
    try {
      const output = join(folder, "init.o");
      execFileSync("cc", ["-O1", "-Wall", "-Wextra", "-Werror", "-c", "-o", output, source], { stdio: "pipe" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
