import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { call } from "./call.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-hex-"));
afterAll(() => rmSync(folder, { recursive: true }));
const out = join(folder, "out.json");

/** What the bytes did. */
async function run(hex: string, ...options: string[]) {
  const { code, stderr } = await call("replay", "--hex", hex, ...options, "--reporter", "json", "--output", out);
  if (stderr) throw new Error(stderr);
  const { end, instructions, registers, flags, reads, writes, abi } = JSON.parse(readFileSync(out, "utf8"));
  const changed = Object.fromEntries(
    Object.entries<{ before: string; after: string }>(registers)
      .filter(([, { before, after }]) => before !== after)
      .map(([name, { after }]) => [name, BigInt(after)]),
  );
  return { code, end: end.text, instructions, changed, flags, reads, writes, abi };
}

describe("replay --hex", () => {
  test("registers before and after", async () => {
    // mov rax, rdi; add rax, 1
    const { code, end, changed, abi } = await run("48 89 f8 48 83 c0 01", "--regs", "rdi=41");
    expect(changed).toEqual({ rax: 42n });
    expect(end).toBe("runs off its end after 2 instructions");
    expect(abi).toEqual({ scratched: ["rax"], lost: [], rsp: 0, broken: false });
    expect(code).toBe(0);
  });

  test("what it reads and writes, and what was there", async () => {
    // mov eax, [rdi]; mov [rsi], al
    const { reads, writes } = await run(
      "8b07 8806",
      "--regs",
      "rdi=0x1000,rsi=0x2001",
      "--mem",
      "0x1000=01020304",
      "--mem",
      "0x2000=aabb",
    );
    expect(reads).toEqual([{ offset: 0, address: "4096", size: 4, old: String(0x04030201), now: String(0x04030201) }]);
    expect(writes).toEqual([{ offset: 2, address: "8193", size: 1, old: String(0xbb), now: "1" }]);
  });

  test("it is no BPF: SSE, division, string instructions", async () => {
    // movq xmm0, rdi; paddq xmm0, xmm0; movq rax, xmm0
    expect((await run("66480f6ec7 660fd4c0 66480f7ec0", "--regs", "rdi=21")).changed).toEqual({ rax: 42n });
    // xor edx, edx; div rcx
    expect((await run("31d2 48f7f1", "--regs", "rax=100,rcx=7")).changed).toMatchObject({ rax: 14n, rdx: 2n });
    // rep stosb
    const { changed, writes } = await run("f3aa", "--regs", "rax=7,rcx=3,rdi=0x1000", "--mem", "0x1000=000000");
    expect(changed).toEqual({ rcx: 0n, rdi: 0x1003n });
    expect(writes.map(({ address }: { address: string }) => address)).toEqual(["4096", "4097", "4098"]);
  });

  test("a function that does not give rbx and rsp back breaks the ABI", async () => {
    // mov ebx, 1; ret
    const lost = await run("bb01000000 c3");
    expect([lost.code, lost.end, lost.abi.lost]).toEqual([1, "returns after 2 instructions", ["rbx"]]);
    // pop rcx; push rcx; ret 8
    const dropped = await run("59 51 c20800");
    expect([dropped.code, dropped.abi.rsp]).toEqual([1, 8]);
  });

  test("what it calls outside of itself scratches all that a C function may, flags too", async () => {
    // call; ret
    const { code, changed, abi } = await run("e800100000 c3");
    expect(Object.keys(changed)).toEqual(["rax", "rcx", "rdx", "rsp", "rsi", "rdi", "r8", "r9", "r10", "r11"]);
    expect(abi.lost).toEqual([]);
    expect(code).toBe(0);
  });

  test.each([
    ["8b07", "faults at +0x0: reads 4 bytes at 0xa5a500075eed0007, where nothing is mapped"],
    ["31c9 f7f1", "raises #DE, division error at +0x2"],
    ["90 0f0b", "raises #UD, invalid instruction at +0x1"],
    ["ffe0", "faults: jumps to 0xa5a500005eed0000, where nothing is mapped"],
    ["ebfe", "is still running after 100000 instructions"],
  ])("%s cannot go on: exit status 1, and why", async (hex, why) => {
    const { code, end } = await run(hex);
    expect(end.slice(0, why.length)).toBe(why);
    expect(code).toBe(1);
  });

  test("for people: each instruction with what it changed", async () => {
    const { stdout } = await call("replay", "--hex", "4889f8 4883c001", "--regs", "rdi=-1", "--no-color");
    expect(stdout.split("\n").slice(0, 3)).toEqual([
      "    0 +0x0   4889f8               movq %rdi, %rax                      rax = 0xffffffffffffffff",
      "    1 +0x3   4883c001             addq $0x1, %rax                      rax = 0x0; CF=1 PF=1 AF=1 ZF=1",
      "runs off its end after 2 instructions",
    ]);
  });

  test.each([
    [["--hex", "8b 0"], '--hex:1:4: "0" has an odd number of digits (cut short?)'],
    [["--hex", "xyz"], '--hex:1:1: "x" is no hex digit'],
    [["--hex", ""], "--hex:1:1: no bytes; expected hex such as f3 0f 1e fa"],
    [["--hex", "90", "--regs", "rdx"], "jitproof: --regs rdx: expected REGISTER=VALUE, e.g. rdi=0x10"],
    [["--hex", "90", "--regs", "rdj=1"], 'jitproof: --regs rdj=1: no register "rdj"; did you mean "rdx"?'],
    [
      ["--hex", "90", "--regs", "rdi=99999999999999999999"],
      "jitproof: --regs rdi=99999999999999999999: 99999999999999999999 has more than 64 bits",
    ],
    [
      ["--hex", "90", "--mem", "here=00"],
      "jitproof: --mem here=00: expected ADDRESS=HEX, e.g. 0xffff888100000000=0100",
    ],
    [["--regs", "rdi=1"], "jitproof: --regs is for --hex"],
  ])("%j: one line, exit status 2", async (args, line) => {
    const { stderr, code } = await call("replay", ...args);
    expect([stderr, code]).toEqual([`${line}\n`, 2]);
  });
});
