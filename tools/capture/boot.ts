import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cpio } from "./cpio.ts";

/** A line of the guest: what it found, as init.c writes it. */
export interface GuestEvent {
  ev: string;
  set?: string;
  [key: string]: unknown;
}

/** What a boot came to. */
export interface Boot {
  events: GuestEvent[];
  /** kernel symbols that BPF may refer to, in the order of /proc/kallsyms */
  symbols: { name: string; address: bigint }[];
  /** what else was on the console */
  console: string[];
}

export interface BootOptions {
  qemu: string;
  cpu: string;
  /** bzImage */
  kernel: string;
  /** the guest's only program, static */
  init: Uint8Array;
  programs: string;
  /** kernel command line besides what every boot has */
  append: string;
  /** MiB */
  memory: number;
  /** seconds after which the guest is taken to hang */
  timeout: number;
  progress?(done: number): void;
}

const COMMAND_LINE = "console=ttyS0 quiet loglevel=1 panic=-1 nokaslr";

/** Boot a kernel with nothing but init, on one emulated CPU, and collect what it writes until it powers off. Throws Error. */
export async function boot(options: BootOptions): Promise<Boot> {
  const folder = mkdtempSync(join(tmpdir(), "jitproof-capture-"));
  try {
    const initrd = join(folder, "initrd");
    writeFileSync(initrd, initramfs(options));
    return await run(options, initrd);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const initramfs = ({ init, programs }: BootOptions): Uint8Array =>
  cpio([
    ...["dev", "proc", "sys"].map((name) => ({ name, mode: 0o40755, content: new Uint8Array() })),
    { name: "init", mode: 0o100755, content: init },
    { name: "programs.txt", mode: 0o100644, content: Buffer.from(programs) },
  ]);

async function run(
  { qemu, cpu, kernel, append, memory, timeout, progress }: BootOptions,
  initrd: string,
): Promise<Boot> {
  const found: Boot = { events: [], symbols: [], console: [] };
  const machine = ["-M", "q35", "-cpu", cpu, "-accel", "tcg", "-smp", "1", "-m", String(memory)];
  const devices = ["-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio", "-monitor", "none"];
  const image = ["-kernel", kernel, "-initrd", initrd, "-append", `${COMMAND_LINE} ${append}`.trim()];
  const guest = spawn(qemu, [...machine, ...devices, ...image], { stdio: ["ignore", "pipe", "pipe"] });
  const complaints: string[] = [];
  guest.stderr.on("data", (data) => complaints.push(String(data)));
  const timer = setTimeout(() => guest.kill("SIGKILL"), timeout * 1000);
  const ended = new Promise<number | null>((resolve, reject) => {
    guest.on("error", reject);
    guest.on("close", resolve);
  });
  try {
    for await (const line of createInterface({ input: guest.stdout, crlfDelay: Number.POSITIVE_INFINITY }))
      take(line, found, progress);
    await ended;
  } finally {
    clearTimeout(timer);
    guest.kill("SIGKILL");
  }
  if (!found.events.some(({ ev }) => ev === "done")) throw new Error(why(found, complaints, timeout));
  return found;
}

function take(line: string, found: Boot, progress: BootOptions["progress"]): void {
  const at = line.indexOf("@@ {");
  const [, address, name] = /@S ([0-9a-f]+) (\S+)/.exec(line) ?? [];
  if (name !== undefined) found.symbols.push({ name, address: BigInt(`0x${address}`) });
  else if (at < 0) found.console.push(line);
  else {
    const event = JSON.parse(line.slice(at + 3)) as GuestEvent;
    found.events.push(event);
    if (event.ev === "maps") progress?.(found.events.filter(({ ev }) => ev === "maps").length);
  }
}

function why({ events, console: lines }: Boot, complaints: readonly string[], timeout: number): string {
  const last = events.findLast(({ set }) => set)?.set;
  if (last)
    return `the guest did not get beyond the set ${last} in ${timeout} s; its last words: ${lines.slice(-2).join(" | ")}`;
  const words = [...complaints, ...lines]
    .filter((line) => line.trim())
    .slice(-3)
    .join(" | ")
    .trim();
  return `the guest did not come up in ${timeout} s: ${words || "it said nothing"}`;
}
