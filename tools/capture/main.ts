// Captures what a real kernel's JIT makes of sets of programs: npm run capture -- --help
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import type { CaptureRecord, ProgramsRecord } from "../../src/import/capture/format.ts";
import { type Boot, boot } from "./boot.ts";
import { programsText, unsupported } from "./corpus.ts";
import { kernelRecord } from "./kernel-record.ts";
import { findKernel, KERNELS } from "./kernels.ts";
import { captureRecord } from "./record.ts";

const HELP = `npm run capture -- --kernel KERNEL --programs FILE [options]

  --kernel KERNEL    ${KERNELS}
  --programs FILE    sets of programs, programs.jsonl[.br]
  --filter RE        only sets whose name matches
  --no-run RE        sets whose name matches are loaded, not run, as this kernel would not end them
  --variant NAME     name of the capture (default: x86_64-RELEASE-default)
  --output DIR       where it goes (default: capture)
  --cpu MODEL        of QEMU (default: max,-cx16)
  --append WORDS     kernel command line, e.g. mitigations=off, capture.harden=2
  --memory MIB       of the guest (default: 512)
  --timeout SECONDS  after which it is taken to hang (default: 600)
  --cache DIR        where kernel packages are kept (default: ~/.cache/jitproof-capture)
  --brotli           write .br files
`;

const OPTIONS = {
  kernel: { type: "string" },
  programs: { type: "string" },
  filter: { type: "string" },
  "no-run": { type: "string" },
  variant: { type: "string" },
  output: { type: "string", default: "capture" },
  cpu: { type: "string", default: "max,-cx16" },
  append: { type: "string", default: "" },
  memory: { type: "string", default: "512" },
  timeout: { type: "string", default: "600" },
  cache: { type: "string", default: join(process.env.HOME ?? tmpdir(), ".cache", "jitproof-capture") },
  brotli: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help || !values.kernel || !values.programs) {
    process.stdout.write(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const sets = readSets(values.programs, values.filter).map((set) => withoutRuns(set, values["no-run"]));
  const able = sets.filter((set) => !unsupported(set));
  const kernel = findKernel(values.kernel, values.cache);
  const came = await boot({
    qemu: "qemu-system-x86_64",
    cpu: values.cpu,
    kernel,
    init: compileInit(),
    programs: programsText(able),
    append: values.append,
    memory: Number(values.memory),
    timeout: Number(values.timeout),
    ...(process.stderr.isTTY ? { progress: (done) => process.stderr.write(`\r${done} of ${able.length} sets`) } : {}),
  });
  if (process.stderr.isTTY) process.stderr.write("\n");
  write(values, sets, able, came);
}

type Values = { output: string; variant?: string; cpu: string; brotli: boolean };

function write(
  { output, variant, cpu, brotli }: Values,
  sets: ProgramsRecord[],
  able: ProgramsRecord[],
  came: Boot,
): void {
  const records: CaptureRecord[] = [];
  const refused: { set: string; why: string }[] = sets.flatMap((set) => {
    const why = unsupported(set);
    return why ? [{ set: set.set, why }] : [];
  });
  for (const set of able) {
    const record = captureRecord(
      set,
      came.events.filter((event) => event.set === set.set),
    );
    if (typeof record === "string") refused.push({ set: set.set, why: record });
    else records.push(record);
  }
  const release = String(came.events.find(({ ev }) => ev === "boot")?.release);
  const name = variant ?? `x86_64-${/^\d+\.\d+/.exec(release)?.[0] ?? release}-default`;
  const accepted = new Set(records.map(({ set }) => set));
  mkdirSync(output, { recursive: true });
  const put = (file: string, lines: readonly unknown[]): void => {
    const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
    const path = join(output, file);
    if (brotli) writeFileSync(`${path}.br`, brotliCompressSync(text));
    else writeFileSync(path, text);
  };
  put(
    "programs.jsonl",
    sets.filter(({ set }) => accepted.has(set)),
  );
  put(`${name}.jsonl`, records);
  put(`${name}.kernel.json`, [{ ...kernelRecord(name, cpu, came, records), rejects: refused }]);
  process.stdout.write(
    `${release}: ${records.length} of ${sets.length} sets, in ${join(output, `${name}.jsonl`)}${brotli ? ".br" : ""}\n`,
  );
}

function readSets(file: string, filter: string | undefined): ProgramsRecord[] {
  const bytes = readFileSync(file);
  const text = (file.endsWith(".br") ? brotliDecompressSync(bytes) : bytes).toString("utf8");
  const sets = text
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => JSON.parse(line) as ProgramsRecord);
  const wanted = filter === undefined ? sets : sets.filter(({ set }) => new RegExp(filter).test(set));
  if (!wanted.length) throw new Error(`${file}: no set${filter === undefined ? "" : ` matches ${filter}`}`);
  return wanted;
}

function withoutRuns(set: ProgramsRecord, pattern: string | undefined): ProgramsRecord {
  if (pattern === undefined || !new RegExp(pattern).test(set.set)) return set;
  return { ...set, flags: [...new Set([...(set.flags ?? []), "norun"])] };
}

/** The guest's init, static. The sources are beside this file, wherever it was bundled to. */
function compileInit(): Uint8Array {
  const source = fileURLToPath(new URL("../tools/capture/init.c", import.meta.url));
  const output = join(tmpdir(), `jitproof-init-${process.pid}`);
  try {
    execFileSync("cc", ["-O2", "-Wall", "-static", "-o", output, source], { stdio: ["ignore", "inherit", "inherit"] });
    return readFileSync(output);
  } finally {
    rmSync(output, { force: true });
  }
}

main().catch((error: Error) => {
  process.stderr.write(`capture: ${error.message.trim().replace(/\s*\n\s*/g, " | ")}\n`);
  process.exitCode = 2;
});
