import { expect, test } from "vitest";
import { misformatted } from "./format.ts";

const right = `title: t
about: |
  a
profiles: [linux-6.1]

maps:
  m: { type: array, value_size: 8, max_entries: 1 }

programs:
  one: |
    r0 = 0
    exit
  two:
    type: xdp
    code: |
      two:
        r0 = 0                    ; a comment
      out:
        exit

# why
expect:
  r0: 0
`;

test("a scenario that is written like the others", () => expect(misformatted(right)).toEqual([]));

test.each([
  ["r0: 0\n", "r0: 0 \n", "23: white space at the end"],
  ["r0: 0\n", "r0: 0\n\n", "the end: not one line break"],
  ["a\n", `${"a".repeat(120)}\n`, "3: more than 120 columns"],
  ["\nprograms", "programs", "8: programs without a blank line"],
  ["about", "\nabout", "3: about behind a blank line"],
  ["# why", "breaks: {}\n\n# why", "24: expect after breaks"],
  ["    exit\n  two", "      exit\n  two", '12: expected 0 blanks before "exit"'],
  ["        r0", "      r0", '17: expected 2 blanks before "r0 = 0                    ; a comment"'],
])("%j written as %j", (was, is, complaint) => {
  expect(misformatted(right.replace(was, is))).toContain(complaint);
});
