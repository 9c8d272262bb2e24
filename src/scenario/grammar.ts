import { ATTACH_TYPES, CHECKS, FORMS, MAP_TYPES, PROGRAM_TYPES, SKB_FIELDS, type SkbField } from "./names.ts";
import { object, optional, required } from "./object.ts";
import { count, hex, rawKey, rawValue, small, symbol, u64 } from "./raw.ts";
import { either, list, placed, type Read, type Shape, table, text, word } from "./shape.ts";

const U32_MAX = 2 ** 32 - 1;
const line = text("one line of text", /^[^\n]*\S[^\n]*$/);
const prose = text("text");
const pattern = text(
  "a profile's name, a glob such as linux-6.* or a span such as linux-5.10..linux-6.11",
  /^[A-Za-z0-9_.*?+-]+$/,
);
const assembly = placed(text("assembly", /\S/));
const byIndex = table(rawKey, rawValue(false), "a mapping of indices to values");
const mapName = text("a map's name (an object's .bss, too)", /^[A-Za-z_.][A-Za-z0-9_.]*$/);
const byMap = <T>(content: Shape<T>) => table(placed(mapName), content, "a mapping of map names to their content", 1);

const map = object("a map such as { type: array, value_size: 8, max_entries: 1 }", {
  type: required(word(MAP_TYPES), "the map's type"),
  key_size: optional(small(1, 512), "bytes of a key (default 4)"),
  value_size: optional(small(1, 65536), "bytes of a value (a prog_array has 4)"),
  max_entries: required(small(1, U32_MAX), "elements at most"),
  values: optional(
    byIndex,
    "contents at the start: index to program (prog_array), integer, hex bytes or list of integers",
  ),
});

const attach = object("an attach point such as { type: fentry, program: main, function: main }", {
  type: required(word(ATTACH_TYPES), "where the trampoline calls"),
  program: optional(placed(symbol), "the program that is attached to; without it the function is one of the kernel's"),
  function: required(placed(symbol), "the function of that program, or of the kernel"),
  args: optional(small(1, 5), "its u64 arguments (default: one, the program's context)"),
  cookie: optional(u64, "what bpf_get_attach_cookie() returns"),
});

const program = either("assembly, or a mapping with the key code", {
  scalar: assembly,
  map: object("a program", {
    type: optional(word(PROGRAM_TYPES), "the program's type (default classifier)"),
    attach: optional(attach, "the function it is attached to"),
    form: optional(word(FORMS), "source; or xlated: kernel-internal assembly that goes to the JIT as it is"),
    code: required(assembly, "assembly"),
  }),
});

const data = either("hex bytes or { length: N }", {
  scalar: hex,
  map: object("{ length: N }", { length: required(small(0, 65535), "bytes of a packet of zeros") }),
});

const skbField = optional(placed(u64), "this member of struct __sk_buff");
const context = object("a context such as { data: { length: 64 }, mark: 1 }", {
  args: optional(list(u64, "a list of integers"), "the arguments, u64 each, of a raw tracepoint"),
  data: optional(data, "the packet: hex bytes or { length: N }"),
  ...(Object.fromEntries(SKB_FIELDS.map((name) => [name, skbField])) as Record<SkbField, typeof skbField>),
});

const picture = object("{ at: PLACE, picture: TEXT }", {
  at: required(placed(line), "at which instruction, e.g. entry#subprog_tail+0x42"),
  picture: required(placed(text("a picture", /\S/)), "the stack there, drawn"),
});

const run = {
  r0: optional(placed(u64), "what the run returns"),
  tail_calls: optional(placed(count), "tail calls taken"),
  instructions: optional(placed(count), "machine instructions executed"),
  max_stack: optional(placed(count), "bytes of stack in use at the deepest point"),
  maps: optional(byMap(table(rawKey, rawValue(true), "a mapping of indices to values", 1)), "contents afterwards"),
  variables: optional(
    table(placed(symbol), rawValue(false), "a mapping of variables to values", 1),
    "what the object's variables hold afterwards",
  ),
  helpers: optional(table(symbol, placed(count), "a mapping of helpers to calls", 1), "calls of each helper"),
  stack: optional(list(picture, "a list of { at, picture }", 1), "pictures of the stack"),
};
const codeText = placed(text("text", /\S/));
const codeTable = table(symbol, codeText, "a mapping of programs to text", 1);
const code = {
  xlated: optional(
    table(
      placed(pattern),
      either("text, or a mapping of programs to text", { scalar: codeText, map: codeTable }),
      "a mapping of programs to text",
      1,
    ),
    "the BPF the JIT is handed, in the selftests' __xlated dialect: { program: text }, or per profile { profile: { program: text } }",
  ),
  jited: optional(
    table(placed(pattern), codeTable, "a mapping of profiles to { program: text }", 1),
    "the machine code per profile, in the selftests' __jited dialect",
  ),
};

const slots = byMap(table(rawKey, rawValue(true), "a mapping of indices to programs (null: empty the slot)", 1));
const happening = {
  interrupt: optional(placed(symbol), "a program of the same task that is entered there, as a kprobe or an NMI is"),
  switch: optional(placed(symbol), "a program that another task runs on the same CPU"),
  poke: optional(slots, "slots of prog arrays that another CPU sets, by the kernel's poke protocol"),
};
const event = object("an event such as { at: tail call 10, interrupt: probe }", {
  at: required(placed(line), "the moment: tail call N, FUNCTION:N, FUNCTION+0xOFFSET:N, instruction N"),
  ...happening,
  steps: optional(
    small(0, 4096),
    "steps of the poke protocol done at that moment, the rest after the run (default all)",
  ),
});
const events = optional(list(event, "a list of events", 1), "what happens in the middle of the run");
const explore = optional(
  either("interrupt, switch, or a mapping such as { interrupt: probe }", {
    scalar: placed(word(["interrupt", "switch"])),
    map: object("a mapping such as { interrupt: probe }", happening),
  }),
  "what is tried at every instruction of the last run",
);

const step = object("a step: { run, expect }, { update } or { delete }", {
  run: optional(placed(symbol), "the program that is entered"),
  context: optional(context, "what it is given"),
  events,
  expect: optional(object("a mapping of expectations", run), "what must come of it"),
  update: optional(byMap(byIndex), "elements to store"),
  delete: optional(byMap(list(rawKey, "a list of indices", 1)), "elements to delete"),
});

const breaks = object("a mapping of expectations and checks", {
  checks: optional(list(placed(word(CHECKS)), "a list of checks"), "the contracts that are broken, no others"),
  ...run,
});

/** The file. Each part here is what the loader accepts and what the JSON Schema says. */
export const scenario = object("a scenario: a mapping with the keys title and programs", {
  title: required(line, "what it shows, on one line"),
  about: optional(prose, "why, in a few lines; a picture of the calls"),
  source: optional(prose, "where it comes from: commit, selftest, mail"),
  profiles: optional(
    list(placed(pattern), "a list of profiles"),
    "the profiles it applies to: names, globs, or spans such as linux-6.12.. (default: all)",
  ),
  maps: optional(table(symbol, map, "a mapping of maps"), "the maps, by name"),
  programs: optional(table(symbol, program, "a mapping of programs", 1), "the programs, by name: assembly"),
  object: optional(
    placed(line),
    "an ELF object (clang -O2 -g --target=bpf -c) with programs and maps, beside this file",
  ),
  btf: optional(placed(line), "a kernel's BTF, which the object's CO-RE relocations are resolved against"),
  entry: optional(placed(symbol), "the program of the object that is entered where nothing else is said"),
  values: optional(
    byMap(byIndex),
    "contents of the object's maps at the start, e.g. programs in the slots of a prog array",
  ),
  variables: optional(
    table(placed(symbol), rawValue(false), "a mapping of variables to values", 1),
    "values of the object's variables at the start",
  ),
  context: optional(context, "what the program is given"),
  run: optional(placed(symbol), "the program that is entered (default: entry, else the first)"),
  events,
  explore,
  expect: optional(object("a mapping of expectations", { ...run, ...code }), "what must hold"),
  steps: optional(list(step, "a list of steps", 1), "several runs and updates of maps, instead of run and expect"),
  breaks: optional(
    table(placed(pattern), breaks, "a mapping of profiles to how they break"),
    "profiles (names, globs, spans) that break the contract, and exactly how; { checks: [] }: holds where a wider entry breaks",
  ),
  budget: optional(small(1, Number.MAX_SAFE_INTEGER), "instructions a run may take"),
});

export type RawScenario = Read<typeof scenario>;
export type RawMap = Read<typeof map>;
export type RawContext = Read<typeof context>;
export type RawStep = Read<typeof step>;
export type RawEvent = Read<typeof event>;
export type RawExplore = NonNullable<RawScenario["explore"]>;
export type RawBreak = Read<typeof breaks>;
export type RawRun = Omit<RawBreak, "checks">;
