import { describe, expect, test } from "vitest";
import { UserError } from "../../../../src/error.ts";
import { captureFeatures } from "../../../../src/import/capture/features.ts";
import type { KernelRecord } from "../../../../src/import/capture/format.ts";
import { captureLayout, captureProfile, captureSymbols } from "../../../../src/import/capture/kernel.ts";
import { CaptureSymbols } from "../../../../src/import/capture/symbols.ts";
import { openFixture } from "./fixtures.ts";

const kernelOf = (variant: string): KernelRecord => openFixture(variant).capture.kernel;
const thunk = (name: string) => ({ thunk: name });
const RETPOLINE = thunk("__x86_indirect_thunk");

describe("a captured kernel's profile is its release's, with what the capture says of CPU and options", () => {
  test.each([
    ["x86_64-6.1-default", { design: "rax-value" }, { ibt: false, bmi2: false, ret: "int3", indirectJump: RETPOLINE }],
    ["x86_64-6.1-mitoff", {}, { ret: "int3", indirectJump: "int3" }],
    ["x86_64-6.1-zen2", {}, { ret: thunk("srso_return_thunk"), indirectJump: RETPOLINE }],
    ["x86_64-6.12-default", { design: "tcc-ptr" }, { ibt: true, bmi2: true, ret: "int3", indirectJump: RETPOLINE }],
    ["x86_64-6.12-nobmi2", {}, { bmi2: false }],
    ["x86_64-6.12-its", {}, { ret: thunk("its_return_thunk"), indirectJump: RETPOLINE }],
    ["x86_64-6.12-lfence", {}, { indirectJump: "lfence" }],
    ["x86_64-6.12-stuff", {}, { ret: thunk("call_depth_return_thunk"), callDepth: "call_depth" }],
    ["x86_64-6.12-harden2", { harden: true }, {}],
    ["x86_64-6.18-default", { harden: false }, { callDepth: undefined, taskSizeMax: (1n << 56n) - 4096n }],
    ["x86_64-7.2-zen2", {}, { ret: thunk("retbleed_return_thunk"), taskSizeMax: 0x7ffffffff000n }],
  ])("%s", (variant, profile, features) => {
    const found = captureProfile(kernelOf(variant), "x.jsonl");
    expect(found).toMatchObject({ name: variant, ...profile });
    expect(found.features).toMatchObject(features);
  });

  test("offsets in structs are the capture's, and the release's where it says nothing", () => {
    const kernel = kernelOf("x86_64-6.12-default");
    const offsets = (struct_offsets: KernelRecord["struct_offsets"]) =>
      captureProfile({ ...kernel, struct_offsets }, "x.jsonl").offsets;
    const told = offsets({ "bpf_map.max_entries": 40, "bpf_array.ptrs": 512, "bpf_prog.bpf_func": 56 });
    expect(told).toMatchObject({ maxEntries: 40, ptrs: 512, bpfFunc: 56 });
    expect(offsets({ source: "BTF" })).toMatchObject({ maxEntries: 36, ptrs: 264, bpfFunc: 48 });
  });

  test.each([
    [{ arch: "aarch64" }, "is a capture of aarch64; only x86_64 is compiled yet"],
    [{ release: "3.10.0" }, "no profile is old enough for kernel 3.10.0"],
    [{ release: "" }, "no profile is old enough for kernel "],
  ])("%j cannot be compiled", (change, message) => {
    const attempt = () => captureProfile({ ...kernelOf("x86_64-6.12-default"), ...change }, "x.jsonl");
    expect(attempt).toThrow(UserError);
    expect(attempt).toThrow(message);
  });
});

describe("its verifier is that of the release, on its own structures", () => {
  test.each([
    ["x86_64-6.1-default", "linux-6.1"],
    ["x86_64-6.12-its", "linux-6.12"],
    ["x86_64-6.18-default", "linux-6.18"],
    ["x86_64-7.2-default", "linux-7.2"],
  ])("%s: %s", (variant, name) => {
    const kernel = kernelOf(variant);
    const features = captureFeatures(kernel, "x.jsonl");
    expect(features.name).toBe(name);
    expect(features.structs.bpf_array.members.value).toBe(kernel.btf!.structs.bpf_array.members.value);
    expect(features.options.blinding).toBe(false);
  });

  test("blinding under bpf_jit_harden=2", () => {
    expect(captureFeatures(kernelOf("x86_64-6.12-harden2"), "x.jsonl").options.blinding).toBe(true);
  });
});

describe("symbols", () => {
  test("are where the capture's images refer to them", () => {
    const symbols = captureSymbols(kernelOf("x86_64-6.12-default"));
    const helper = Object.entries(kernelOf("x86_64-6.12-default").helper_targets).find(([, { names }]) =>
      names.includes("bpf_ktime_get_ns"),
    );
    expect(symbols.bpf_ktime_get_ns).toBe(BigInt(`0x${helper![0]}`));
  });

  test("per-CPU variables have one name on every kernel: variables of their own, in pcpu_hot, in the image", () => {
    const percpu = (variant: string) => captureLayout(kernelOf(variant), "x").percpu;
    expect(percpu("x86_64-6.1-default").symbols.current_task).toBe(0x1fb80n);
    const { symbols } = percpu("x86_64-6.12-default");
    expect(symbols.cpu_number - symbols.pcpu_hot).toBe(12n);
    expect(percpu("x86_64-7.2-default").symbols.current_task).toBeGreaterThan(percpu("x86_64-7.2-default").start);
  });

  test("are found with an offset behind the name; unknown ones are said to be", () => {
    const symbols = new CaptureSymbols({ f: 0xffffffff81000000n, top: 0xffffffffffffffffn, "g+0x4": 8n });
    expect(symbols.address("f")).toBe(0xffffffff81000000n);
    expect(symbols.address("f+0x1a")).toBe(0xffffffff8100001an);
    expect(symbols.address("g+0x4")).toBe(8n);
    expect(symbols.address("top+0x1")).toBe(0n);
    for (const unknown of ["h", "h+0x1", "f+", "f+1", "f+0xzz", ""])
      expect(() => symbols.address(unknown)).toThrow(`the capture doesn't say where ${unknown} is`);
  });
});

test("without struct layouts there is no machine to run on", () => {
  const { btf, ...kernel } = kernelOf("x86_64-6.12-default");
  expect(btf?.present).toBe(true);
  expect(() => captureLayout(kernel, "x.jsonl")).toThrow("the kernel record has no struct layouts (btf.structs)");
});
