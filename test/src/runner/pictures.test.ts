import { describe, expect, test } from "vitest";
import { run } from "./rig.ts";

/** The hierarchy of the mailing-list thread: main calls sub twice, sub tail-calls main. */
const scenario = (stack: string) => `title: t
maps:
  jmp: { type: prog_array, max_entries: 1, values: { 0: main } }
programs:
  main: |
    main:
      r6 = r1
      call sub
      r1 = r6
      call sub
      r0 = 1
      exit
    sub:
      *(u64 *)(r10 - 16) = 0
      r2 = jmp ll
      r3 = 0
      call bpf_tail_call
      r0 = 0
      exit
expect:
  stack:
${stack}`;

/** The picture that is drawn at a moment, or what is said of the moment. */
function drawn(at: string, profile = "linux-6.12"): string {
  const [mismatch] = run(scenario(`    - { at: "${at}", picture: "?" }\n`), profile).mismatches;
  return mismatch.path.endsWith(".picture") ? mismatch.actual : `${mismatch.expected}; ${mismatch.actual}`;
}

describe("on 6.12, the count on the entry's stack and pointers to it", () => {
  test("at the entry's first BPF instruction", () => {
    expect(drawn("main")).toBe("main | ret | rbp | tcc 0 | tcc_ptr main | rbx |\n");
  });

  test("in a subprogram: outermost first, its own pointer leads to the entry", () => {
    expect(drawn("sub")).toBe(
      [
        "main | ret | rbp | tcc 0 | tcc_ptr main | rbx |",
        "sub  | ret | rbp | 16 bytes | tcc_ptr main | tcc_ptr main |",
        "",
      ].join("\n"),
    );
  });

  test("the third time, two tail calls later: frames of one function are numbered", () => {
    expect(drawn("main#sub:3")).toBe(
      [
        "main:1 | ret | rbp | tcc 2 | tcc_ptr main:1 | rbx |",
        "main:2 | ret | rbp | tcc_ptr main:1 | tcc_ptr main:1 | rbx |",
        "main:3 | ret | rbp | tcc_ptr main:1 | tcc_ptr main:1 | rbx |",
        "sub    | ret | rbp | 16 bytes | tcc_ptr main:1 | tcc_ptr main:1 |",
        "",
      ].join("\n"),
    );
  });

  test("where a tail call has landed", () => {
    expect(
      drawn("tail call 2")
        .split("\n")
        .map((line) => line.split(" | ")[0].trim()),
    ).toEqual(["main:1", "main:2", "main:3", ""]);
    expect(drawn("tail call 33").split("\n")[0]).toContain("tcc 33");
  });
});

test("on 6.1, a count by value in the upper half of each frame's slot", () => {
  expect(drawn("sub:2", "linux-6.1")).toBe(
    [
      "main:1 | ret | rbp | tcc 0 | rbx |",
      "main:2 | ret | rbp | tcc 1 | rbx |",
      "sub    | ret | rbp | 16 bytes | tcc 1 |",
      "",
    ].join("\n"),
  );
});

describe("a moment that isn't", () => {
  test.each([
    ["never comes", "tail call 34"],
    ["never comes", "sub:99"],
    ["never comes", "nobody"],
  ])("%s: %s", (_, at) => {
    expect(drawn(at)).toBe(`a run that gets to ${at}; it never does`);
  });
});

test("blanks around and inside a picture's lines don't count, everything else does", () => {
  const picture = (text: string) => `    - at: main
      picture: |
        ${text}
`;
  expect(run(scenario(picture("main  |  ret | rbp | tcc 0 |   tcc_ptr main | rbx |"))).mismatches).toEqual([]);
  const { verdict, mismatches } = run(scenario(picture("main | ret | rbp | tcc 1 | tcc_ptr main | rbx |")));
  expect(verdict).toBe("fail");
  expect(mismatches).toMatchObject([
    { path: "expect.stack.0.picture", actual: "main | ret | rbp | tcc 0 | tcc_ptr main | rbx |\n" },
  ]);
});

test("drawing changes nothing of the run: its results and its maps are the same", () => {
  const without = run(scenario("").replace("  stack:", "  r0: 1"));
  const { r0, tailCalls, instructions, maxStack } = run(scenario("    - { at: tail call 5, picture: '?' }\n"));
  expect({ r0, tailCalls, instructions, maxStack }).toEqual({
    r0: without.r0,
    tailCalls: without.tailCalls,
    instructions: without.instructions,
    maxStack: without.maxStack,
  });
});
