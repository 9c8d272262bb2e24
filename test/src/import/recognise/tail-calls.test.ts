import { describe, expect, test } from "vitest";
import { takeApart } from "../../../../src/import/recognise/code.ts";
import { findTailCalls } from "../../../../src/import/recognise/tail-calls.ts";

const find = (hex: string) => findTailCalls(takeApart(Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"))));

describe("tail calls, by how they count", () => {
  test("5.10 to 5.16: above 32 is too many, so 33 are allowed", () => {
    // mov eax, [rbp-4]; cmp eax, 32; ja out; add eax, 1; mov [rbp-4], eax; jmp out; pop rax; nop5
    const [site] = find("8b85fcffffff 83f820 7714 83c001 8985fcffffff e906000000 58 0f1f440000");
    expect(site).toEqual({
      kind: "direct",
      start: 0,
      out: 31,
      limit: 33,
      compare: "above",
      bypass: 20,
      target: 26,
    });
  });

  test("from 5.17: 33 is too many", () => {
    const [site] = find("8b85fcffffff 83f821 7314 83c001 8985fcffffff e906000000 58 0f1f440000");
    expect([site.limit, site.compare]).toEqual([33, "not-below"]);
  });

  test("6.12: through the pointer; the jump is patched in, the bypass out", () => {
    // mov rax, [rbp-16]; cmp qword [rax], 33; jae out; nop5; add qword [rax], 1; pop rax; pop rax; jmp callee
    const [site] = find("488b85f0ffffff 48833821 7310 0f1f440000 48830001 58 58 e900010000");
    expect(site).toMatchObject({ kind: "direct", limit: 33, bypass: 13, target: 24, callee: 285, out: 29 });
  });

  test("a comparison of BPF's own is none", () => {
    expect(find("83f821 7302 31c0 c3")).toEqual([]);
    // mov eax, [rbp-8]; cmp eax, 33; jae: a plain branch, with no patch site in front of where it goes
    expect(find("8b85f8ffffff 83f821 7302 31c0 c3")).toEqual([]);
  });
});
