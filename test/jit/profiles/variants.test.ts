import { describe, expect, it } from "vitest";
import type { X86Profile } from "../../../jit/profile.ts";
import { profileNames } from "../../../jit/profiles/index.ts";
import { sizeFunction } from "../../../jit/x86/compile.ts";
import { addressOf, functionOf, profileOf } from "../x86/function.ts";

/** Kernel symbols that a tail call, a call and an exit lead to. */
function symbolsOf(profile: X86Profile): string[] {
  const asked = new Set<string>();
  const input = functionOf("call bpf_ktime_get_ns\ntail_call\nexit");
  sizeFunction({ ...input, tailCallReachable: true }, profile, (name) => {
    asked.add(name);
    return addressOf(name);
  }).emit(0xffffffffc0000000n);
  return [...asked].sort();
}

describe("a variant is the same kernel under other circumstances: what its code needs of the kernel", () => {
  it.each([
    ["linux-6.1", ["__x86_indirect_thunk_rcx"]],
    ["linux-6.1+mitoff", []],
    ["linux-6.1+zen2", ["__x86_indirect_thunk_rcx", "srso_return_thunk"]],
    ["linux-6.12", ["__x86_indirect_thunk_rcx"]],
    ["linux-6.12+mitoff", []],
    ["linux-6.12+zen2", ["__x86_indirect_thunk_rcx", "srso_return_thunk"]],
    ["linux-6.12+its", ["__x86_indirect_thunk_rcx", "its_return_thunk"]],
    ["linux-6.12+lfence", ["srso_return_thunk"]],
    [
      "linux-6.12+stuff",
      ["__x86_indirect_jump_thunk_rcx", "call_depth", "call_depth_return_thunk", "htab_map_update_elem"],
    ],
    ["linux-6.12+nobmi2", ["__x86_indirect_thunk_rcx"]],
    ["linux-6.12+kcfi", ["__x86_indirect_thunk_rcx"]],
    ["linux-6.12+fineibt", ["__x86_indirect_thunk_rcx"]],
    ["linux-7.2+fineibt-bhi", ["__bhi_args_1", "__x86_indirect_thunk_rcx"]],
    ["linux-5.10", []], // retpolines are written out
    ["linux-5.17", ["__x86_indirect_thunk_rcx"]],
    ["linux-7.2+zen2", ["__x86_indirect_thunk_rcx", "retbleed_return_thunk"]],
  ])("%s", (name, symbols) => expect(symbolsOf(profileOf(name))).toEqual(symbols));

  it.each([
    ["linux-4.10", ["harden"]],
    ["linux-5.10", ["harden"]],
    ["linux-5.17", ["mitoff", "lfence", "harden"]],
    ["linux-6.1", ["mitoff", "zen2", "its", "lfence", "nobmi2", "bhi", "ibhf", "harden"]],
    ["linux-6.12", ["mitoff", "zen2", "its", "stuff", "lfence", "nobmi2", "bhi", "ibhf", "kcfi", "fineibt", "harden"]],
  ])("%s has the variants of its time: %j", (kernel, variants) => {
    const names = profileNames().filter((name) => name.startsWith(`${kernel}+`));
    expect(names).toEqual(variants.map((variant) => `${kernel}+${variant}`));
  });

  it("harden changes the program, not the JIT", () => {
    const { harden, name, ...rest } = profileOf("linux-6.12+harden");
    const { name: _, ...plain } = profileOf("linux-6.12");
    expect(harden).toBe(true);
    expect(name).toBe("linux-6.12+harden");
    expect(rest).toEqual(plain);
  });
});
