import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { kernels } from "../../../bpf/verifier/index.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { readOffsets } from "../../../src/import/offsets.ts";
import { withKernelOffsets } from "../../../src/runner/offsets.ts";
import { runOn } from "../../../src/runner/run.ts";
import { parseScenario } from "../../../src/scenario/load.ts";
import { buildBtf, type TypeSource } from "../../bpf/btf/builder.ts";

const scratch = mkdtempSync(join(tmpdir(), "jitproof-offsets-"));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The BTF of a kernel like 6.12 whose struct bpf_array is `moved` bytes longer in front of ptrs, and whose per-CPU data is elsewhere. */
function kernelFile(moved: number, without = ""): string {
  const types: TypeSource[] = [{ int: "long", size: 8 }];
  for (const [name, { size, members }] of Object.entries(kernels["linux-6.12"].structs)) {
    const shift = name === "bpf_array" ? moved : 0;
    const listed = Object.entries(members).flatMap(([member, place]): [string, number, number, number?][] => {
      if (`${name}.${member}` === without) return [];
      const [, bit, bits] = /^bit(\d+):(\d+)$/.exec(String(place)) ?? [];
      return bit ? [[member, 1, Number(bit), Number(bits)]] : [[member, 1, 8 * (Number(place) + shift)]];
    });
    types.push({ struct: name, size: size + shift, members: listed });
  }
  types.push({ var: "this_cpu_off", type: 1 }, { datasec: ".data..percpu", vars: [[types.length + 1, 0x4000, 8]] });
  const file = join(scratch, "vmlinux.btf");
  writeFileSync(file, buildBtf(types));
  return file;
}

test("places from a kernel's BTF take the place of the profile's", () => {
  const profile = profileNamed("linux-6.12")!;
  const moved = withKernelOffsets(profile, readOffsets(kernelFile(64), ["linux-6.12"]));
  expect(moved.offsets).toEqual({ ...profile.offsets, skb: expect.anything(), ptrs: profile.offsets.ptrs + 64 });
  expect(moved.structs?.bpf_array.members.ptrs).toBe(profile.offsets.ptrs + 64);
  expect(moved.percpu.symbols).toEqual({ ...profile.percpu.symbols, this_cpu_off: 0x4000n });
});

test("a scenario runs on that kernel as on any other: code and machine agree about the places", () => {
  const text = `
title: self
maps: { jmp_table: { type: prog_array, max_entries: 1, values: { 0: entry } } }
programs: { entry: "r2 = jmp_table ll\\nr3 = *(u32 *)(r1 + 8)\\ncall bpf_tail_call\\nr0 = 1\\nexit" }
expect: { r0: 1, tail_calls: 33, jited: { linux-6.12: { entry: "...\\n{{.*}}0x148(%rsi,%rdx,8), %rcx\\n..." } } }
`;
  const offsets = readOffsets(kernelFile(64), ["linux-6.12"]);
  const [result] = runOn(parseScenario(text, "self.yaml"), { profiles: ["linux-6.12"], offsets });
  expect(result).toMatchObject({ verdict: "pass", mismatches: [] });
});

test("the BTF of another kernel is refused by what it lacks", () => {
  const file = kernelFile(0, "bpf_array.ptrs");
  expect(() => readOffsets(file, ["linux-6.12"])).toThrow(
    "has no bpf_array.ptrs; expected the BTF of a kernel like linux-6.12",
  );
});
