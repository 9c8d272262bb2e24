import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { compareSet } from "../../../../src/import/capture/compare.ts";
import type { CaptureRecord } from "../../../../src/import/capture/format.ts";
import { openCapture } from "../../../../src/import/capture/open.ts";
import { call } from "../../cli/call.ts";
import { smallCapture } from "./fixtures.ts";

/** entry and its subprogram tail-call t1 directly, t2 is entered by t1 */
const SET = "tailcall.d_both_8_0";
const VARIANT = "x86_64-6.12-default";

const folder = mkdtempSync(join(tmpdir(), "jitproof-planted-"));
const file = join(folder, `${VARIANT}.jsonl`);
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => smallCapture(folder, VARIANT, [SET]));

/** Change what the kernel is said to have done. */
function plant(change: (record: CaptureRecord) => void): void {
  const record = JSON.parse(readFileSync(file, "utf8"));
  change(record);
  writeFileSync(file, `${JSON.stringify(record)}\n`);
}

/** `hex` with some bits of one byte flipped. */
function flipped(hex: string, offset: number, bits: number): string {
  const bytes = Buffer.from(hex, "hex");
  bytes[offset] ^= bits;
  return bytes.toString("hex");
}

/** A report without what depends on the machine. */
const report = (text: string) => text.replaceAll(folder, "FOLDER").replace(/\d+(\.\d+)? m?s$/m, "(time)");

const compared = () => {
  const { capture, kernel } = openCapture(file);
  const { functions } = compareSet(kernel, capture.records[0], capture.programs.get(SET)!);
  return functions.map(({ name, loaded, final }) => [name, loaded?.offset, final?.offset]);
};

describe("compare", () => {
  test("nothing changed: nothing differs, exit 0", async () => {
    const { stdout, code } = await call("compare", file);
    expect(stdout).toMatch(/^identical 4 of 4 functions\n$/m);
    expect(code).toBe(0);
  });

  test("one byte of an image changed: exactly that function, at that offset", () => {
    plant(({ progs: [entry] }) => {
      entry.funcs[1].hex = flipped(entry.funcs[1].hex, 21, 0x40);
    });
    expect(compared()).toEqual([
      ["entry#0", undefined, undefined],
      ["entry#1", 21, undefined],
      ["t1#0", undefined, undefined],
      ["t2#0", undefined, undefined],
    ]);
  });

  test("every byte counts, with the slots filled, too", () => {
    const { capture, kernel } = openCapture(file);
    const [record] = capture.records;
    const [entry] = record.progs;
    const original = entry.funcs[0].hex_final!;
    const found = Array.from({ length: entry.funcs[0].len }, (_, offset) => {
      entry.funcs[0].hex_final = flipped(original, offset, 1);
      return compareSet(kernel, record, capture.programs.get(SET)!).functions[0].final?.offset;
    });
    expect(found).toEqual([...found.keys()]);
  });

  test("bytes that are missing or too many differ where the shorter code ends", () => {
    for (const [change, offset] of [
      [(hex: string) => hex.slice(0, -2), 88],
      [(hex: string) => `${hex}cc`, 89],
    ] as const) {
      smallCapture(folder, VARIANT, [SET]);
      plant(({ progs: [entry] }) => {
        entry.funcs[1].hex = change(entry.funcs[1].hex);
        entry.funcs[1].len = entry.funcs[1].hex.length / 2;
        delete entry.funcs[1].hex_final;
      });
      expect(compared()[1].slice(0, 2)).toEqual(["entry#1", offset]);
    }
  });

  test("the report shows both codes around the first difference; exit 1", async () => {
    plant(({ progs: [entry] }) => {
      entry.funcs[1].hex = flipped(entry.funcs[1].hex, 21, 0x40);
    });
    const { stdout, stderr, code } = await call("compare", file, "--no-color");
    expect(report(stdout)).toBe(`x86_64-6.12-default  (time)
  tailcall  3 of 4
  xlated identical 3 of 3 programs
✗ tailcall.d_both_8_0
    entry#1+0x15 as loaded  differs
      at        FOLDER/x86_64-6.12-default.jsonl
      - expected, + actual
          +0x010  f30f1efa                endbr64
          +0x014  50                      pushq %rax
        - +0x015  104157                  adcb %al, 0x57(%rcx)
        + +0x015  50                      pushq %rax
        + +0x016  4157                    pushq %r15
          +0x018  41bf6d000000            movl $0x6d, %r15d
          +0x01e  48be00e41a1f000011ff    movabsq $0xff1100001f1ae400, %rsi
        - +0x028  ba03000000              movl $0x3, %edx
identical 3 of 4 functions
`);
    expect([stderr, code]).toEqual(["", 1]);
  });

  test("a program that our verifier turns down counts as different, and says why", async () => {
    const programs = join(folder, "programs.jsonl");
    const record = JSON.parse(readFileSync(programs, "utf8"));
    record.progs[2].insns = record.progs[2].insns.replace(/^.{16}/, "ff00000000000000"); // no opcode
    writeFileSync(programs, JSON.stringify(record));
    const { stdout, code } = await call("compare", file, "--no-color");
    expect(stdout).toContain("        + (no code: t2: unknown opcode ff)\n");
    expect(stdout).toMatch(/^identical 3 of 4 functions\n$/m);
    expect(code).toBe(1);
  });
});

describe("replay", () => {
  test("nothing changed: the same, exit 0", async () => {
    const { stdout, code } = await call("replay", file);
    expect(stdout).toMatch(/^same 1 of 1 runs\n$/m);
    expect(code).toBe(0);
  });

  test("another retval recorded: expected and found, exit 1", async () => {
    plant(({ runs }) => {
      runs![0].retval ^= 1;
    });
    const { stdout, code } = await call("replay", file, "--no-color");
    expect(report(stdout)).toBe(`✗ tailcall.d_both_8_0 run 0  differs from the kernel
    retval  expected 72, found 73
      at        FOLDER/x86_64-6.12-default.jsonl
x86_64-6.12-default  1 differ  (time)
same 0 of 1 runs
`);
    expect(code).toBe(1);
  });

  test("another map value recorded: the map, the key, expected and found", async () => {
    plant(({ runs }) => {
      runs![0].maps.cnt[0] = flipped(runs![0].maps.cnt[0], 0, 0x80);
    });
    const { stdout, code } = await call("replay", file, "--no-color");
    expect(stdout).toMatch(/^ {4}maps\.cnt\.0 {2}expected 80(0{14}).*, found 00\1.*$/m);
    expect(code).toBe(1);
  });

  test("code that clobbers a register is caught by the contract, though the outcome is as recorded", async () => {
    plant(({ progs: [, , t2] }) => {
      const [{ hex }] = t2.funcs;
      // where tail calls arrive, instead of endbr64: mov r12b, 0xaa; nop. Nothing of BPF lives in r12.
      t2.funcs[0].hex = `${hex.slice(0, 32)}41b4aa90${hex.slice(40)}`;
    });
    const { stdout, code } = await call("replay", file, "--no-color");
    expect(report(stdout)).toBe(`✗ tailcall.d_both_8_0 run 0  same as the kernel
    callee-saved  t2 did not preserve r12
      at        entry+0x3b  movq %r13, %rdi
      from      insn 3  r1 = r7
      expected  r12 = 0xa5a5000c5eed000c
      actual    0xa5a5000c5eed00aa
    callee-saved  entry does not give r12 back before its tail call
      at        entry+0x4d  movq -0x10(%rbp), %rax
      from      insn 7  tail_call poke[0]
      expected  r12 = 0xa5a5000c5eed000c
      actual    0xa5a5000c5eed00aa
    callee-saved  t2 did not preserve r12
      at        t2+0x4b  popq %r13
      from      insn 11  exit
      expected  r12 = 0xa5a5000c5eed000c
      actual    0xa5a5000c5eed00aa
x86_64-6.12-default  1 runs the same  (time)
same 1 of 1 runs, a contract broken in 1
`);
    expect(code).toBe(1);
  });
});
