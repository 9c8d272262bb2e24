import { describe, expect, test } from "vitest";
import { errorOf, mismatches, run } from "./rig.ts";

/** main calls add(3, 4); what is attached follows. */
const scenario = (attached: string, rest = "") => `title: t
maps:
  seen: { type: array, value_size: 8, max_entries: 1 }
  slots: { type: prog_array, max_entries: 1 }
programs:
  main: |
    main:
      r1 = 3
      r2 = 4
      call add
      exit
    add:
      r0 = r1
      r0 += r2
      exit
${attached}
run: main
${rest}`;

const program = (name: string, attach: string, code = "r0 = 0\nexit") => `  ${name}:
    attach: { ${attach} }
    code: |
${code.replace(/^/gm, "      ")}
`;

const AT_ADD = "program: main, function: add, args: 2";
const see = (what: string) => `${what}\nr2 = seen[0] ll\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nexit`;

describe("what is attached runs", () => {
  test.each([
    "linux-5.10",
    "linux-5.17",
    "linux-6.1",
    "linux-6.12",
    "linux-7.2",
    "linux-6.12+stuff",
    "linux-7.2+fineibt",
  ])("%s: fentry sees the arguments, fexit the result, the caller what the function returned", (profile) => {
    const fentry = program("fentry", `type: fentry, ${AT_ADD}`, see("r3 = *(u64 *)(r1 + 8)"));
    const fexit = program("fexit", `type: fexit, ${AT_ADD}`, see("r3 = *(u64 *)(r1 + 16)"));
    expect(mismatches(scenario(fentry, "expect: { r0: 7, maps: { seen: { 0: 4 } } }"), profile)).toEqual([]);
    expect(mismatches(scenario(fexit, "expect: { r0: 7, maps: { seen: { 0: 7 } } }"), profile)).toEqual([]);
  });

  test("freplace: in the function's place, with its arguments", () => {
    const extension = program("multiply", `type: freplace, ${AT_ADD}`, "r0 = r1\nr0 *= r2\nexit");
    expect(mismatches(scenario(extension, "expect: { r0: 12 }"))).toEqual([]);
  });

  test("a run of a program that is attached to the kernel's function calls that", () => {
    const text = `title: t
programs:
${program("decide", "type: fmod_ret, function: bpf_modify_return_test")}
steps:
  - { run: decide, expect: { r0: 4 } }
  - { run: decide, context: { args: [10, 5] }, expect: { r0: 16 } }
`;
    expect(mismatches(text)).toEqual([]); // a + ++*b, of 1 and 2 unless told otherwise
  });

  test("bpf_get_func_ip is the traced function's entry", () => {
    const tracer = program("fentry", `type: fentry, ${AT_ADD}`, see("call bpf_get_func_ip\nr3 = r0"));
    const [line] = mismatches(scenario(tracer, "expect: { maps: { seen: { 0: 1 } } }"));
    // images are 64-byte aligned in the JIT region, in the order of loading
    expect(BigInt(line.split(" is ")[1]) - 0xffffffffc0000000n).toBeLessThan(256n);
  });
});

describe("what cannot be attached is one line at the function's name", () => {
  test.each<[what: string, attached: string, error: string]>([
    [
      "a function that isn't",
      program("t", "type: fentry, program: main, function: ad"),
      '17:54: main has no function ad; did you mean "add"?',
    ],
    [
      "a function that the kernel hasn't",
      program("t", "type: fentry, function: bpf_fentry_test2"),
      '17:39: the modelled kernel has no function bpf_fentry_test2; did you mean "bpf_fentry_test1"?',
    ],
    [
      "fmod_ret of a program",
      program("t", `type: fmod_ret, ${AT_ADD}`),
      "17:56: fmod_ret programs are attached to functions of the kernel, and not to programs",
    ],
    [
      "fmod_ret of a function that does not allow it",
      program("t", "type: fmod_ret, function: bpf_fentry_test6"),
      "17:41: bpf_fentry_test6 does not let programs decide what it returns",
    ],
    [
      "freplace of the kernel's",
      program("t", "type: freplace, function: bpf_fentry_test1"),
      "17:41: bpf_fentry_test1 is no function of a program: freplace replaces only those",
    ],
    [
      "a tracer of a tracer",
      program("t", `type: fentry, ${AT_ADD}`) + program("u", "type: fentry, program: t, function: t"),
      "22:51: t is a tracing program: nothing may be attached to it",
    ],
    [
      "two that say different things of the function",
      program("t", `type: fentry, ${AT_ADD}`) + program("u", "type: fexit, program: main, function: add, args: 3"),
      "22:53: add takes 2 arguments, as another program that is attached to it says",
    ],
    [
      "tracer and extension of one function",
      program("t", `type: fentry, ${AT_ADD}`) + program("u", `type: freplace, ${AT_ADD}`),
      "22:56: add cannot be traced and replaced at the same time (EBUSY)",
    ],
  ])("%s", (_, attached, error) => {
    expect(errorOf(scenario(attached))).toBe(`x.yaml:${error}`);
  });
});

describe("a kernel that cannot is skipped", () => {
  const fentry = program("t", `type: fentry, ${AT_ADD}`);
  const extension = program("t", "type: freplace, program: main, function: add");
  const slot = scenario(extension).replace(
    "max_entries: 1 }\nprograms",
    "max_entries: 1, values: { 0: main } }\nprograms",
  );
  const many = `title: t\nprograms:\n${program("t", "type: fentry, function: bpf_testmod_fentry_test7")}run: t\n`;

  test.each<[profile: string, text: string, reason: string]>([
    ["linux-5.4", scenario(fentry), "this kernel has no trampolines to attach t by"],
    [
      "linux-6.1",
      many,
      "this kernel cannot attach t: bpf_trampoline_bpf_testmod_fentry_test7: 7 words of arguments; linux-6.1 traces functions with 6 at most",
    ],
    ["linux-6.18", slot, "this kernel does not put main, which is extended, into a prog_array (EBUSY)"],
  ])("%s: %#", (profile, text, reason) => {
    expect(run(text, profile)).toMatchObject({ verdict: "skip", reason });
  });

  test("6.12 puts an extended program into a prog_array", () => {
    expect(run(slot, "linux-6.12").verdict).toBe("pass");
  });
});

describe("pictures show trampolines", () => {
  const drawn = (attached: string, at: string, profile: string): string =>
    run(scenario(attached, `expect: { stack: [{ at: ${at}, picture: "?" }] }`), profile).mismatches[0].actual;
  const fentry = program("tracer", `type: fentry, ${AT_ADD}`);
  const fexit = program("tracer", `type: fexit, ${AT_ADD}`);

  test("called from the patch site: of the traced function there is only a return address", () => {
    expect(drawn(fentry, "tracer", "linux-6.12")).toBe(
      [
        "main               | ret | rbp |",
        "add                | ret |",
        "bpf_trampoline_add | ret | rbp | arg2 | arg1 | nr_args | rbx | saved_run_ctx | bpf_cookie |",
        "tracer             | ret | rbp |",
        "",
      ].join("\n"),
    );
  });

  test("the traced function is called from there, with a frame of its own", () => {
    expect(drawn(fexit, "add", "linux-6.12")).toBe(
      [
        "main               | ret | rbp |",
        "add:1              | ret |",
        "bpf_trampoline_add | ret | rbp | retval | arg2 | arg1 | nr_args | rbx | saved_run_ctx | bpf_cookie |",
        "add:2              | ret | rbp |",
        "",
      ].join("\n"),
    );
  });

  test("jumped to since 6.19: it stands in the traced function's place", () => {
    expect(drawn(fexit, "add", "linux-7.2")).toBe(
      [
        "main               | ret | rbp |",
        "bpf_trampoline_add | ret | rbp | retval | arg2 | arg1 | nr_args | rbx | saved_run_ctx | bpf_cookie |",
        "add                | ret | rbp |",
        "",
      ].join("\n"),
    );
  });
});
