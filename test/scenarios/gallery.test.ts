import { describe, expect, test } from "vitest";
import { profileNamed, profileNames } from "../../jit/profiles/index.ts";
import { BUGS } from "../../jit/x86/bugs/index.ts";
import { catalogue, verdicts } from "./shipped.ts";

const gallery = catalogue.filter(({ id }) => id.startsWith("gallery/"));
const profilesOf = (bug: string): string[] =>
  gallery.flatMap(({ profiles }) => profiles.filter((name) => name.endsWith(`+bug-${bug}`)));

describe("a bug of the gallery", () => {
  test.each(BUGS)("$name is one scenario's, and a profile of $kernel", ({ name, kernel }) => {
    expect(profilesOf(name)).toHaveLength(1);
    expect(profilesOf(name)[0].startsWith(`${kernel}+`)).toBe(true);
    expect(profileNamed(profilesOf(name)[0])?.bug).toMatch(/\.$/);
  });

  test.each(gallery)("$id: the kernel that is rid of it holds, the one that has it breaks", async (scenario) => {
    const results = await verdicts([scenario], [], true);
    expect(results.map(({ profile, verdict }) => [profile, verdict])).toEqual([
      [scenario.profiles[0], "pass"],
      [scenario.profiles[1], "breaks"],
    ]);
    const { story, findings } = results[1];
    expect(story?.about.length).toBeGreaterThan(40);
    expect(findings.length + story!.differences.length, "something to show").toBeGreaterThan(0);
  });

  test("is in no list of profiles, and in no other kernel", () => {
    expect(profileNames().filter((name) => name.includes("bug-"))).toEqual([]);
    expect(profileNamed("linux-6.12+bug-index-64")).toBeUndefined();
    expect(profileNamed("linux-6.12+bug-landing-kcfi"), "there is no hash to count").toBeUndefined();
  });
});
