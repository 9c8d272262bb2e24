import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { UserError } from "../../../src/error.ts";
import { loadScenario, parseScenario } from "../../../src/scenario/load.ts";

const PROFILES = ["linux-6.1", "linux-6.12", "rfc-task-struct-v3"];
const parse = (text: string) => parseScenario(text, "x.yaml", { profiles: { names: PROFILES } });

/** The one line that the command line prints for a text. */
function complaint(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return `${error.location()}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

const minimal = "title: t\nprograms: { main: exit }\n";

describe("a scenario", () => {
  test("needs a title and a program; the first program is entered, a classifier without context", () => {
    const scenario = parse(minimal);
    expect(scenario).toMatchObject({ id: "x", title: "t", profiles: [], maps: [], breaks: [], code: [] });
    expect(scenario.programs).toMatchObject([{ name: "main", type: "classifier", code: { text: "exit" } }]);
    expect(scenario.steps).toEqual([
      { kind: "run", program: "main", expect: { maps: [], helpers: [], stack: [] }, at: { line: 1, column: 1 } },
    ]);
  });

  test("enters the program called entry, whichever place it has", () => {
    expect(parse("title: t\nprograms: { a: exit, entry: exit }").steps[0]).toMatchObject({ program: "entry" });
  });

  test("keeps u64 values and counts exactly: decimal, hexadecimal, negative as two's complement", () => {
    const { steps, breaks } = parse(`${minimal}
expect: { r0: -1, tail_calls: 0xffffffffffffffff, instructions: 9007199254740993 }
breaks: { linux-6.1: { tail_calls: 18446744073709551615, r0: -0, checks: [tail-call-limit] } }
`);
    expect(steps[0]).toMatchObject({
      expect: {
        r0: { value: 2n ** 64n - 1n, path: "expect.r0", line: 4, column: 15 },
        tailCalls: { value: 2n ** 64n - 1n },
        instructions: { value: 9007199254740993n },
      },
    });
    expect(breaks[0].expect.tailCalls).toMatchObject({ value: 2n ** 64n - 1n, path: "breaks.linux-6.1.tail_calls" });
    expect(breaks[0].checks).toMatchObject([{ value: "tail-call-limit", path: "breaks.linux-6.1.checks.0" }]);
  });

  test("a map's value is an integer, hex bytes or integers that fill it, little endian", () => {
    const { maps } = parse(`${minimal}maps:
  m: { type: array, value_size: 8, max_entries: 4, values: { 0: -2, 1: 01 02 03 04 05 06 07 08, 2: [1, 2], 0x3: [1, 2, 3, 4] } }
`);
    const bytes = maps[0].values.map(({ value }) => (value.kind === "bytes" ? [...value.bytes] : []));
    expect(bytes).toEqual([
      [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [1, 2, 3, 4, 5, 6, 7, 8],
      [1, 0, 0, 0, 2, 0, 0, 0],
      [1, 0, 2, 0, 3, 0, 4, 0],
    ]);
    expect(maps[0].values.map(({ key }) => key)).toEqual([0n, 1n, 2n, 3n]);
  });

  test("a hash's key may be hex bytes, a per-CPU map's value one integer per CPU, an expected element null", () => {
    const { maps, steps } = parse(`${minimal}maps:
  h: { type: hash, key_size: 6, value_size: 1, max_entries: 4, values: { 01 00 00 00 00 01: 7, 5: 8 } }
  c: { type: percpu_array, value_size: 4, max_entries: 1, values: { 0: [1, 2] } }
expect: { maps: { h: { 5: null } } }
`);
    expect(maps[0].values.map(({ key }) => key)).toEqual([0x0100_0000_0001n, 5n]);
    expect(maps[1].values[0].value).toEqual({
      kind: "perCpu",
      values: [Uint8Array.of(1, 0, 0, 0), Uint8Array.of(2, 0, 0, 0)],
    });
    expect(steps[0]).toMatchObject({ expect: { maps: [{ map: "h", key: 5n, value: { kind: "absent" } }] } });
  });

  test("programs have types, attach points and contexts", () => {
    const { programs, steps } = parse(`title: t
programs:
  main: exit
  probe: { attach: { type: fentry, program: main, function: main }, code: exit }
  tp: { type: raw_tracepoint, code: exit }
steps:
  - { run: main, context: { data: 45 00, mark: 7 }, expect: { r0: 2 } }
  - { run: tp, context: { args: [1, -1] } }
`);
    expect(programs).toMatchObject([
      { name: "main", type: "classifier" },
      { name: "probe", type: "tracing", attach: { type: "fentry", program: "main", function: "main" } },
      { name: "tp", type: "raw_tracepoint" },
    ]);
    expect(steps).toMatchObject([
      { context: { kind: "packet", data: Uint8Array.of(0x45, 0), fields: [{ name: "mark", value: 7n }] } },
      { context: { kind: "args", args: [1n, 2n ** 64n - 1n] } },
    ]);
  });

  test("steps run programs and change maps in between", () => {
    const { steps, code } = parse(`${minimal}maps:
  jmp: { type: prog_array, max_entries: 2 }
steps:
  - { run: main, expect: { r0: 0 } }
  - update: { jmp: { 0: main } }
  - delete: { jmp: [0] }
  - { run: main, expect: { tail_calls: 1 } }
expect:
  jited: { "linux-*": { main: "L0: retq" } }
`);
    expect(steps.map((step) => step.kind)).toEqual(["run", "update", "delete", "run"]);
    expect(steps[1]).toMatchObject({ entries: [{ map: "jmp", key: 0n, value: { kind: "program", name: "main" } }] });
    expect(steps[2]).toMatchObject({ entries: [{ map: "jmp", key: 0n }] });
    expect(steps[3]).toMatchObject({ expect: { tailCalls: { path: "steps.3.expect.tail_calls" } } });
    expect(code).toMatchObject([
      { kind: "jited", profile: "linux-*", program: "main", text: { value: { text: "L0: retq" } } },
    ]);
  });

  test("is plain data, so that it can go to a worker", () => {
    const scenario = parse(`${minimal}expect: { r0: 1 }`);
    expect(structuredClone(scenario)).toEqual(scenario);
  });

  test("anchors stand for what they name, with its place", () => {
    const { programs, text } = parse("title: t\nprograms:\n  a: &x |\n    exit\n  b: *x\n");
    expect(programs[1].code.text).toBe("exit\n");
    expect(text.slice(programs[1].code.start, programs[1].code.end)).toBe("|\n    exit\n");
  });
});

const at = (yaml: string) => complaint(() => parse(yaml));

/** what is wrong -> [the file, the line that is printed] */
const wrong: Record<string, [string, string]> = {
  "an empty file": ["", "x.yaml:1:1: is empty; expected a scenario with the keys title and programs"],
  "only a comment": ["# x\n", "x.yaml:1:1: is empty; expected a scenario with the keys title and programs"],
  "a list": ["- a\n", "x.yaml:1:1: expected a scenario: a mapping with the keys title and programs, found a list"],
  "no title": ["programs: { a: exit }", 'x.yaml:1:1: expected the key "title" (one line of text), which is missing'],
  "no programs": [
    "title: t",
    'x.yaml:1:1: expected the key "programs" (a mapping of programs) or "object", which is missing',
  ],
  "an unknown key": [`${minimal}expct: { r0: 1 }`, 'x.yaml:3:1: unknown key "expct"; did you mean "expect"?'],
  "an unknown key inside": [
    `${minimal}expect:\n  r0: 1\n  tailcalls: 3\n`,
    'x.yaml:5:3: expect: unknown key "tailcalls"; did you mean "tail_calls"?',
  ],
  "a key far from all": [
    `${minimal}expect: { quux: 1 }`,
    'x.yaml:3:11: expect: unknown key "quux"; expected one of r0, tail_calls, instructions, max_stack, maps, variables, helpers, stack, xlated, jited',
  ],
  "a key twice": [`${minimal}title: u\n`, 'x.yaml:3:1: "title" is here twice; the first is in line 1'],
  "an index twice": [
    `${minimal}maps: { m: { type: array, value_size: 4, max_entries: 20, values: { 16: 1, 0x10: 2 } } }`,
    'x.yaml:3:76: maps.m.values: "16" is here twice; the first is in line 3',
  ],
  "text for a number": [
    `${minimal}expect: { r0: one }`,
    'x.yaml:3:15: expect.r0: expected an integer from -2^63 to 2^64-1, found "one"',
  ],
  "a fraction": [
    `${minimal}expect: { r0: 1.5 }`,
    "x.yaml:3:15: expect.r0: expected an integer from -2^63 to 2^64-1, found 1.5",
  ],
  "65 bits": [
    `${minimal}expect: { r0: 18446744073709551616 }`,
    "x.yaml:3:15: expect.r0: expected an integer from -2^63 to 2^64-1, found 18446744073709551616",
  ],
  "a negative count": [
    `${minimal}expect: { tail_calls: -1 }`,
    "x.yaml:3:23: expect.tail_calls: expected an integer from 0 to 2^64-1, found -1",
  ],
  "no value": [`${minimal}expect:\n`, "x.yaml:3:8: expect: expected a mapping of expectations, found nothing"],
  "a list as a program": [
    "title: t\nprograms:\n  a: [exit]\n",
    "x.yaml:3:6: programs.a: expected assembly, or a mapping with the key code, found a list",
  ],
  "a program without text": ["title: t\nprograms:\n  a:\n", "x.yaml:3:5: programs.a: expected assembly, found nothing"],
  "a map without max_entries": [
    `${minimal}maps:\n  m: { type: array, value_size: 8 }\n`,
    'x.yaml:4:6: maps.m: expected the key "max_entries" (an integer from 1 to 4294967295), which is missing',
  ],
  "a map without value_size": [
    `${minimal}maps:\n  m: { type: hash, max_entries: 8 }\n`,
    'x.yaml:4:6: maps.m: expected the key "value_size" (bytes) in a hash',
  ],
  "a map of an unknown type": [
    `${minimal}maps:\n  m: { type: prog_arry, max_entries: 1 }\n`,
    'x.yaml:4:14: maps.m.type: unknown name "prog_arry"; did you mean "prog_array"?',
  ],
  "a map that fills the memory": [
    `${minimal}maps:\n  m: { type: array, value_size: 65536, max_entries: 4294967295 }\n`,
    "x.yaml:4:6: maps.m: expected values of at most 67108864 bytes in all, found 4294967295 of 65536",
  ],
  "an index outside": [
    `${minimal}maps: { m: { type: array, value_size: 4, max_entries: 1, values: { 1: 5 } } }`,
    "x.yaml:3:68: maps.m.values: expected an index from 0 to 0 for the map m, found 1",
  ],
  "a value that doesn't fit": [
    `${minimal}maps: { m: { type: array, value_size: 1, max_entries: 1, values: { 0: 256 } } }`,
    "x.yaml:3:71: maps.m.values.0: expected an integer of 1 byte, found 256",
  ],
  "too few hex bytes": [
    `${minimal}maps: { m: { type: array, value_size: 4, max_entries: 1, values: { 0: de ad } } }`,
    "x.yaml:3:71: maps.m.values.0: expected 4 hex bytes, found 2",
  ],
  "a list that doesn't fill the value": [
    `${minimal}maps: { m: { type: array, value_size: 8, max_entries: 1, values: { 0: [1, 2, 3] } } }`,
    "x.yaml:3:71: maps.m.values.0: expected integers of 1, 2, 4 or 8 bytes that fill 8 bytes, found 3 of them",
  ],
  "an unknown program in a prog_array": [
    "title: t\nprograms: { entry: exit }\nmaps: { j: { type: prog_array, max_entries: 1, values: { 0: entri } } }",
    'x.yaml:3:61: maps.j.values.0: unknown program "entri"; did you mean "entry"?',
  ],
  "an unknown map": [
    `${minimal}maps: { counter: { type: array, value_size: 4, max_entries: 1 } }\nexpect: { maps: { counte: { 0: 1 } } }`,
    'x.yaml:4:19: expect.maps: unknown map "counte"; did you mean "counter"?',
  ],
  "an unknown program to run": [`${minimal}run: man`, 'x.yaml:3:6: run: unknown program "man"; did you mean "main"?'],
  "an unknown profile": [
    `${minimal}breaks: { linux-6.l: { tail_calls: 1 } }`,
    'x.yaml:3:11: breaks: unknown profile "linux-6.l"; did you mean "linux-6.1"?',
  ],
  "a glob without a match": [
    `${minimal}profiles: [bsd-*]`,
    'x.yaml:3:12: profiles.0: no profile matches "bsd-*"; expected one of linux-6.1, linux-6.12, rfc-task-struct-v3',
  ],
  "an unknown check": [
    `${minimal}breaks: { linux-6.1: { checks: [tail-call-limits] } }`,
    'x.yaml:3:33: breaks.linux-6.1.checks.0: unknown name "tail-call-limits"; did you mean "tail-call-limit"?',
  ],
  "a break without content": [
    `${minimal}breaks: { linux-6.1: {} }`,
    "x.yaml:3:11: breaks: expected what breaks: checks, tail_calls, r0, maps, ...",
  ],
  "run beside steps": [`${minimal}run: main\nsteps: [{ run: main }]`, 'x.yaml:3:6: run: "run" belongs into a step'],
  "a value beside steps": [
    `${minimal}expect: { r0: 1 }\nsteps: [{ run: main }]`,
    'x.yaml:3:9: expect: "r0" belongs into a step; beside steps only xlated and jited are expected',
  ],
  "a step of two kinds": [
    `${minimal}maps: { m: { type: array, value_size: 4, max_entries: 1 } }\nsteps:\n  - { run: main, delete: { m: [0] } }`,
    "x.yaml:5:5: steps.0: expected one of run, update and delete in a step, found run and delete",
  ],
  "tracing without attach": [
    "title: t\nprograms:\n  a: { type: tracing, code: exit }\n",
    'x.yaml:3:6: programs.a: expected the key "attach" in a tracing program',
  ],
  "attached to nothing": [
    "title: t\nprograms:\n  main: exit\n  a: { attach: { type: fexit, program: mian, function: f }, code: exit }\n",
    'x.yaml:4:40: programs.a.attach.program: unknown program "mian"; did you mean "main"?',
  ],
  "args and data": [
    `${minimal}context: { args: [1], mark: 2 }`,
    "x.yaml:3:10: context: expected either args or data and fields, found both",
  ],
  "an unknown field of the context": [
    `${minimal}context: { marc: 2 }`,
    'x.yaml:3:12: context: unknown key "marc"; did you mean "mark"?',
  ],
  "a tab as indentation": [
    "title: t\nprograms:\n\ta: exit\n",
    "x.yaml:3:1: is no YAML: tabs are not allowed as indentation",
  ],
  "an open bracket": [
    "title: [t\nprograms: x\n",
    "x.yaml:2:1: is no YAML: flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  "two documents": [
    `${minimal}---\n${minimal}`,
    'x.yaml:3:1: a second document after "---"; expected one scenario per file',
  ],
  "an alias of nothing": [`title: *x\nprograms: { a: exit }`, "x.yaml:1:8: expected the anchor &x above its alias"],
  "a tag": [
    `title: !!js/function t\nprograms: { a: exit }`,
    "x.yaml:1:8: is no YAML: unresolved tag: tag:yaml.org,2002:js/function",
  ],
  "a mapping as a key": ["{ a: 1 }: 2", "x.yaml:1:1: expected a name or an integer as the key, found a mapping"],
  ["__proto__"]: [
    "title: t\n__proto__: 1\nprograms: { a: exit }",
    'x.yaml:2:1: unknown key "__proto__"; expected one of title, about, source, profiles, maps, programs, object, btf, entry, values, variables, context, run, events, explore, expect, steps, breaks, budget',
  ],
};

describe("what is wrong, where, and what was expected", () => {
  test.each(Object.entries(wrong))("%s", (_, [yaml, line]) => {
    expect(at(yaml)).toBe(line);
  });
});

describe("YAML that attacks the reader", () => {
  test("aliases are followed a hundred times at most", () => {
    const many = `${minimal}breaks:\n  linux-6.1: &b { r0: 1 }\n${"  linux-6.1: *b\n".repeat(1)}`;
    const list = `title: t\nprograms:\n  a: &x exit\n${Array.from({ length: 101 }, (_, i) => `  p${i}: *x\n`).join("")}`;
    expect(at(list)).toMatch(/^x\.yaml:104:9: more than 100 aliases$/);
    expect(at(many)).toMatch(/twice/);
  });

  test("a billion laughs end at the first wrong type", () => {
    const laughs = `title: &a [l, l]\nabout: &b [*a, *a]\nsource: &c [*b, *b]\nprograms: { x: *c }`;
    expect(at(laughs)).toMatch(/^x\.yaml:1:11: title: expected one line of text, found a list$/);
  });

  test.each(["[".repeat(2000), "- ".repeat(2000), "? ".repeat(2000), "{ ".repeat(2000)])(
    "%.6s... nests too deeply",
    (yaml) => {
      expect(at(yaml)).toBe("x.yaml:1:1: is nested more than 50 deep");
    },
  );
});

describe("a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "jitproof-load-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = (name: string, content?: string | Uint8Array) => {
    const file = join(folder, name);
    if (content !== undefined) writeFileSync(file, content);
    return complaint(() => loadScenario(file)).replace(`${folder}/`, "");
  };

  test("that is missing", () => expect(load("none.yaml")).toBe("none.yaml: no such file"));
  test("that is a folder", () => {
    mkdirSync(join(folder, "dir.yaml"));
    expect(load("dir.yaml")).toBe("dir.yaml: is a folder; expected a .yaml file");
  });
  test("that is no file at all", () =>
    expect(complaint(() => loadScenario("/dev/null"))).toBe("/dev/null: is no regular file; expected a .yaml file"));
  test("of 100 MB is refused before it is read", () =>
    expect(load("large.yaml", new Uint8Array(100_000_000))).toBe(
      "large.yaml: is 100000000 bytes; expected a scenario of at most 262144",
    ));
  test("of zeros", () =>
    expect(load("zeros.yaml", new Uint8Array(64))).toBe(
      "zeros.yaml:1:1: is no text: a control character; expected YAML",
    ));
  test("that is an ELF object", () =>
    expect(load("elf.yaml", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0xff))).toBe(
      "elf.yaml:1:1: is no UTF-8 text; expected YAML",
    ));
  test("with CRLF and a byte order mark is read", () =>
    expect(load("dos.yaml", "\ufefftitle: t\r\nprograms:\r\n  a: |\r\n    r0 = 0\r\n    exit\r\n")).toBe("accepted"));
});
