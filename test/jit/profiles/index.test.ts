import { describe, expect, it } from "vitest";
import { PROFILES, profileForRelease, profileNamed, profileNames } from "../../../jit/profiles/index.ts";
import { RFCS } from "../../../jit/profiles/rfc.ts";
import { VARIANTS } from "../../../jit/profiles/variants.ts";
import { DESIGNS } from "../../../jit/x86/designs/index.ts";

const version = (name: string): number[] => name.replace("linux-", "").split(".").map(Number);

describe("profiles", () => {
  it("kernels, oldest first, each with a line about it and a design that there is", () => {
    const names = PROFILES.map(({ name }) => name);
    const sorted = [...names].sort((a, b) => version(a)[0] - version(b)[0] || version(a)[1] - version(b)[1]);
    expect(names).toEqual(sorted);
    for (const { about, design, name } of PROFILES) {
      expect(name).toMatch(/^linux-\d+\.\d+$/);
      expect(about).toMatch(/^Linux \d+\.\d+/);
      expect(DESIGNS.map((each) => each.name)).toContain(design);
    }
  });

  it("names are unique: kernels, and each kernel with each variant that fits it", () => {
    const names = profileNames();
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("linux-6.12");
    expect(names).toContain("linux-6.12+mitoff");
    expect(names.filter((name) => !name.includes("+"))).toEqual([...PROFILES, ...RFCS].map(({ name }) => name));
  });

  it("variants add up, from left to right, and the profile has the name that was asked for", () => {
    const profile = profileNamed("linux-6.12+nobmi2+zen2")!;
    expect(profile.name).toBe("linux-6.12+nobmi2+zen2");
    expect(profile.features).toMatchObject({ bmi2: false, ret: { thunk: "srso_return_thunk" } });
    expect(profileNamed("linux-6.12+zen2+mitoff")!.features.ret).toBe("int3");
  });

  it.each(["linux-6.12+", "linux-6.12+nosuch", "linux-3.18", "linux", "", "mitoff", "linux-6.12+mitoff+nosuch"])(
    "there is no `%s`",
    (name) => expect(profileNamed(name)).toBeUndefined(),
  );

  it("a variant leaves the kernel's own profile as it is", () => {
    const before = structuredClone(PROFILES);
    for (const { name } of PROFILES) for (const variant of VARIANTS) profileNamed(`${name}+${variant.name}`);
    expect(PROFILES).toEqual(before);
  });
});

describe("profileForRelease: the newest kernel that is not newer", () => {
  it.each([
    ["4.10.17", "linux-4.10"],
    ["5.4.286", "linux-5.4"],
    ["5.9.4", "linux-5.4"],
    ["5.16.20", "linux-5.10"],
    ["5.19.0-50-generic", "linux-5.17"],
    ["6.1.0-35-cloud-amd64", "linux-6.1"],
    ["6.8.0-31-generic", "linux-6.6"],
    ["6.12.95+deb12-cloud-amd64", "linux-6.12"],
    ["6.13.7", "linux-6.12"],
    ["6.17.0", "linux-6.16"],
    ["6.18.1", "linux-6.18"],
    ["7.2.0-rc1", "linux-7.2"],
    ["7.10.0", "linux-7.2"],
    ["12.0", "linux-7.2"],
  ])("%s is %s", (release, name) => expect(profileForRelease(release)?.name).toBe(name));

  it("a second number counts as a number: 6.9 comes before 6.12", () => {
    expect(profileForRelease("6.9.1")).toBe(profileForRelease("6.6.34"));
    expect(profileForRelease("6.9.1")).not.toBe(profileForRelease("6.12.0"));
  });

  it.each(["3.18.140", "4.9.0", "no kernel", ""])("%s has none", (release) =>
    expect(profileForRelease(release)).toBeUndefined(),
  );
});
