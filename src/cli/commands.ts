/** The commands' lines in the help, in its order. A command is a line here, one in load.ts, and its file here beside. */
export const COMMANDS = {
  run: { usage: "run [PATH...]", summary: "run scenarios and check every contract" },
  matrix: { usage: "matrix [PATH...]", summary: "scenario x profile: what each design gets right" },
  trace: { usage: "trace SCENARIO", summary: "every instruction of a run, with what it changed" },
  debug: { usage: "debug SCENARIO", summary: "gdb on a run, forwards and backwards" },
  jit: { usage: "jit FILE", summary: "BPF in, annotated machine code out" },
  compare: {
    usage: "compare CAPTURE...",
    summary: "our machine code against a kernel's, byte for byte",
  },
  replay: {
    usage: "replay CAPTURE...",
    summary: "run a kernel's own bytes, and check what they did",
  },
  conformance: {
    usage: "conformance PATH...",
    summary: "run other projects' test suites: vector files, .data files",
  },
  search: {
    usage: "search",
    summary: "every call graph of a size: the smallest that breaks each design",
  },
  fuzz: {
    usage: "fuzz",
    summary: "generated programs: the reference interpreter against each profile",
  },
  native: {
    usage: "native",
    summary: "generated programs: the emulator against this machine's CPU",
  },
  report: { usage: "report --html FILE", summary: "all about scenarios in one page for a browser" },
  bench: { usage: "bench [PART...]", summary: "how fast all this is, here" },
  mutants: {
    usage: "mutants [PATH...]",
    summary: "faults put into the JIT one by one: which does no scenario notice?",
  },
  merge: { usage: "merge FILE...", summary: "make one report of the JSON reports of several shards" },
} satisfies Record<string, { usage: string; summary: string }>;

export type CommandName = keyof typeof COMMANDS;
