import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Btf } from "../../bpf/btf/btf.ts";
import { layoutsOf } from "../../bpf/btf/layout.ts";
import { type ElfFile, readElf } from "../../bpf/elf/file.ts";
import { BpfObject } from "../../bpf/elf/object.ts";
import { FormatError } from "../../bpf/reader.ts";
import { kernels } from "../../bpf/verifier/index.ts";
import { loadObjectFile } from "../../src/cli/object-options.ts";
import { UserError } from "../../src/error.ts";
import { parseDataFile } from "../../src/import/conformance/data-file.ts";
import { runOn } from "../../src/runner/run.ts";
import { linkObject } from "../../src/scenario/link-object.ts";
import { mutated, mutatedText, type Numbers } from "./mutate.ts";

/** A parser, and what is put into it. */
export interface Target {
  name: string;
  /** takes so much longer than the others that it gets one in this many inputs in the tests */
  slow?: number;
  /** parses one damaged input; throws what the parser throws */
  attempt(numbers: Numbers): void;
}

const fixture = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const filesOf = (folder: string, ending: string) =>
  readdirSync(fixture(folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(`${fixture(folder)}/${name}`));

const objects = [...filesOf("objects/clang-14", ".o"), ...filesOf("objects/clang-19", ".o")];
const tests = filesOf("conformance/data", ".data").map((bytes) => bytes.toString("utf8"));
const WORDS = [
  "r0",
  "%r11",
  "exit",
  "--",
  "-- asm",
  "-- raw",
  "-- result",
  "-- mem",
  "[%r1+2]",
  "0xffffffffffffffffff",
  "lddw",
  "#",
  "@",
  ":",
];

const section = ({ sections }: ElfFile, name: string) => sections.find((one) => one.name === name);

/** The object with one section damaged: what is behind the ELF headers is reached more often. */
function damagedSection(numbers: Numbers): Uint8Array {
  const bytes = Uint8Array.from(numbers.pick(objects));
  const { sections } = readElf(bytes);
  const target = numbers.pick(sections.filter((one) => one.bytes.length > 8 && !one.name.includes("debug")));
  const damaged = mutated(target.bytes, numbers);
  bytes.set(damaged, target.bytes.byteOffset - bytes.byteOffset);
  return bytes;
}

function link(bytes: Uint8Array): void {
  linkObject(new BpfObject(bytes), { line: 1, column: 1 });
}

/** Load whatever is left on a kernel, and enter one program. */
function run(bytes: Uint8Array): void {
  const folder = mkdtempSync(join(tmpdir(), "jitproof-damaged-"));
  try {
    const file = join(folder, "damaged.bpf.o");
    writeFileSync(file, bytes);
    const [entry] = new BpfObject(bytes).programs;
    const scenario = loadObjectFile(file, entry ? { entry: entry.name } : {});
    for (const _ of runOn({ ...scenario, budget: 10_000 }, { profiles: ["linux-6.12"] }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const TARGETS: Target[] = [
  { name: "ELF", attempt: (numbers) => link(mutated(numbers.pick(objects), numbers)) },
  { name: "ELF sections", attempt: (numbers) => link(damagedSection(numbers)) },
  { name: "ELF, loaded and run", slow: 4, attempt: (numbers) => run(damagedSection(numbers)) },
  {
    name: "BTF",
    attempt(numbers) {
      const btf = new Btf(mutated(section(readElf(numbers.pick(objects)), ".BTF")?.bytes ?? new Uint8Array(), numbers));
      for (let id = 0; id <= btf.count; id++) {
        btf.type(id);
        btf.sizeOf(id);
      }
      layoutsOf(btf, { ...kernels["linux-6.1"].structs, thing: { size: 0, members: { moved: 0, nameless: 0 } } });
    },
  },
  {
    name: ".data",
    attempt(numbers) {
      parseDataFile(mutatedText(numbers.pick(tests), WORDS, numbers), "damaged.data", () => "");
    },
  },
];

/** One damaged input; what came of it. Throws what no user may see. */
export function survive({ attempt }: Target, numbers: Numbers): "accepted" | "refused" {
  try {
    attempt(numbers);
    return "accepted";
  } catch (error) {
    if (error instanceof FormatError && error.message.length < 400) return "refused";
    if (error instanceof UserError && error.file) return "refused";
    throw error;
  }
}
