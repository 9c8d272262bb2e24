import { describe, expect, it } from "vitest";
import type { Image } from "../../../bpf/image.ts";
import { filler } from "../x86/filler.ts";
import { compile, functionOf, profileOf } from "../x86/function.ts";

/** Jumps that get short one a pass: each is over 127 bytes once the next one is short. Takes two passes more than it has jumps. */
const chain = (jumps: number): string => {
  const links = Array.from({ length: jumps }, (_, i) => {
    const next = i + 1 < jumps ? `goto to${i + 1}\n` : "";
    return `${filler(125)}${next}to${i}:\n`;
  });
  return `goto to0\n${links.join("")}exit`;
};

const compiled = (jumps: number, kernel: string): Image => compile(functionOf(chain(jumps)), profileOf(kernel));

describe("how often a kernel tries", () => {
  it("up to 4.16 ten times", () => {
    expect(() => compiled(8, "linux-4.10")).not.toThrow();
    expect(() => compiled(9, "linux-4.10")).toThrow("no stable size after 10 passes");
  });

  it("then twenty times, and without padding that is that: 18 such jumps, 19 never", () => {
    for (const kernel of ["linux-5.4", "linux-5.10"]) {
      const { bytes } = compiled(18, kernel);
      expect(Buffer.from(bytes).toString("hex")).not.toContain("0f1f00eb");
      expect(() => compiled(19, kernel)).toThrow("no stable size after 20 passes");
    }
  });

  it("since 5.12 (93c5aecc35c6) the jump that would get short after 15 passes is padded with a nop3, and so the rest stays long", () => {
    const { bytes, passes } = compiled(19, "linux-5.17");
    const padded =
      Buffer.from(bytes)
        .toString("hex")
        .match(/0f1f00eb/g) ?? [];
    expect(padded).toHaveLength(1);
    expect(passes).toHaveLength(17);
  });
});
