import { describe, expect, test } from "vitest";
import type { Image } from "../../../bpf/image.ts";
import { HASH } from "../../../jit/profiles/variants.ts";
import { Bench, only, patching, run } from "./rig.ts";

const FINEIBT = ["linux-6.12+fineibt", "linux-7.2+fineibt", "linux-7.2+fineibt-bhi"] as const;
const EVERY = [...FINEIBT, "linux-6.12+kcfi", "linux-7.2+kcfi"] as const;

const le = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value | 0);
  return bytes.toString("hex");
};

describe("code in front of bpf_func", () => {
  test.each(EVERY)("%s: calls and tail calls find bpf_func behind it", (profile) => {
    const bench = new Bench({ profile });
    const text =
      "r6 = r1\ncall sub\nr1 = r6\nr2 = jmp ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit\nsub:\nr0 = 1\nexit";
    const [main, sub] = bench.load(text);
    bench.load("r0 = 7\nexit", "callee");
    expect([main.entry, sub.entry].map((at) => at & 0x3fn)).toEqual([16n, 16n]);
    expect(bench.slot(0, "callee").enter(main)).toMatchObject({ r0: 7n, tailCalls: 1n, findings: [] });
  });

  test.each(EVERY)("%s: so does a callback, which the kernel calls through a pointer", (profile) => {
    const text = "r1 = 3\nr2 = each ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nexit\neach:\nr0 = 0\nexit";
    expect(run(text, { profile })).toMatchObject({ r0: 3n, findings: [] });
  });
});

describe("FineIBT checks at the callee", () => {
  test.each(FINEIBT)("%s: a call that brings another hash ends there", (profile) => {
    // the kernel brings HASH, the callee wants another one
    const patch = patching("main", le(HASH.main), le(HASH.main + 1));
    const outcome = run("r0 = 1\nexit", { profile, patch });
    expect(outcome.r0).toBeUndefined();
    expect(only(outcome).function).toMatch(/^main$|^__bhi_args_1$/);
  });

  test("no indirect branch may land at bpf_func: the endbr64 is gone", () => {
    // add rcx, 16 -> add rcx, 0
    const tailCall = (profile: "linux-6.12+fineibt" | "linux-6.12+kcfi" | "linux-6.12") => {
      const bench = new Bench({ profile, patch: patching("main", "4883c110", "4883c100") });
      const [main] = bench.load("r2 = jmp ll\nr3 = *(u32 *)(r1 + 0)\ncall bpf_tail_call\nr0 = 0\nexit");
      bench.load("r0 = 1\nexit", "callee");
      return bench
        .slot(0, "callee")
        .enter(main)
        .findings.map(({ check, message }) => `${check}: ${message}`);
    };
    expect(tailCall("linux-6.12+fineibt")).toEqual(["landing: control lands at callee+0x10, where it may not"]);
    for (const profile of ["linux-6.12+kcfi", "linux-6.12"] as const)
      expect(tailCall(profile).some((finding) => finding.startsWith("landing"))).toBe(false);
  });

  test.each(EVERY)("%s: a direct call into what stands in front is none of the program's", (profile) => {
    const back = (image: Image): Image | undefined => {
      if (image.name !== "main") return undefined;
      const at = image.bytes.indexOf(0xe8, image.body);
      const bytes = image.bytes.slice();
      bytes[at + 1] -= 16;
      return { ...image, bytes };
    };
    const outcome = run("call sub\nexit\nsub:\nr0 = 1\nexit", { profile, patch: back });
    expect(only(outcome)).toMatchObject({
      check: "landing",
      message: "control lands at main#sub, where it may not",
    });
  });
});
