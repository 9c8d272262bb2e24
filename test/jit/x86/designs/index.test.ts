import { describe, expect, it } from "vitest";
import { DESIGNS, designNamed } from "../../../../jit/x86/designs/index.ts";

describe("designs", () => {
  it("have names of their own and one line about them", () => {
    expect(new Set(DESIGNS.map(({ name }) => name)).size).toBe(DESIGNS.length);
    for (const { name, about } of DESIGNS) {
      expect(name).toMatch(/^[a-z][a-z0-9.-]*$/);
      expect(about).toMatch(/^\S[^\n]+$/);
      expect(designNamed(name).name).toBe(name);
    }
  });

  it("a name that there is not is refused with those that there are", () => {
    expect(() => designNamed("tcc")).toThrow(RangeError);
    expect(() => designNamed("tcc")).toThrow(/no tail-call design "tcc"; there are .*\btcc-ptr\b/);
  });
});
