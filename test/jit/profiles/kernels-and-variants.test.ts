import { describe, expect, test } from "vitest";
import { profileNamed, profileNames } from "../../../jit/profiles/index.ts";

describe("the names of profiles", () => {
  test("every listed name means a profile of that name", () => {
    for (const name of profileNames()) expect(profileNamed(name)?.name).toBe(name);
  });

  test("a variant that a kernel does not have is no profile: call-depth accounting came with 6.2", () => {
    expect(profileNamed("linux-6.1+stuff")).toBeUndefined();
    expect(profileNames()).not.toContain("linux-6.1+stuff");
    expect(profileNames()).toContain("linux-6.12+stuff");
  });
});
