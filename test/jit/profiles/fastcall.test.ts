import { describe, expect, test } from "vitest";
import { FASTCALL_GUARDS } from "../../../bpf/verifier/fastcall/features.ts";
import { profileNamed, profileNames } from "../../../jit/profiles/index.ts";
import { verifierOf } from "../../../src/runner/verifier-of.ts";

const fastcallOf = (name: string) => verifierOf(profileNamed(name)!).fastcall;

describe("profiles of what a verifier could do about bpf_fastcall", () => {
  test("stand behind a kernel's name and are in no list", () => {
    expect(profileNames().filter((name) => name.includes("fastcall"))).toEqual([]);
    expect(profileNamed("linux-6.1+fastcall-off")).toBeUndefined();
    expect(profileNamed("linux-6.12+mitoff+fastcall-rfc")?.name).toBe("linux-6.12+mitoff+fastcall-rfc");
  });

  test("change the kernel's", () => {
    expect(fastcallOf("linux-6.12")).toMatchObject({ era: "merged" });
    expect(fastcallOf("linux-6.12+fastcall-off")).toBeNull();
    expect(fastcallOf("linux-6.12+fastcall-rfc")).toMatchObject({ era: "rfc" });
    expect(fastcallOf("linux-7.2+fastcall-strict")).toMatchObject({ era: "merged", strict: true });
    for (const guard of Object.keys(FASTCALL_GUARDS))
      expect(fastcallOf(`linux-7.2+fastcall-no-${guard}`)).toMatchObject({ without: guard });
  });

  test("leave to the JIT what it inlines", () => {
    const { cpuNumber, jitInlines } = verifierOf(profileNamed("linux-6.12+fastcall-jit")!);
    expect([cpuNumber, jitInlines]).toEqual([null, ["get_smp_processor_id"]]);
  });
});
