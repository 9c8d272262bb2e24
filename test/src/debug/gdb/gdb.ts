import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gdbScript } from "../../../../src/debug/gdb/script.ts";
import { type GdbServer, serveGdb } from "../../../../src/debug/gdb/server.ts";
import { Monitor } from "../../../../src/debug/monitor.ts";
import { type ProgramFile, writeProgramFile } from "../../../../src/debug/program-file.ts";
import type { Timeline } from "../../../../src/debug/timeline/timeline.ts";
import { DebugView } from "../../../../src/debug/view.ts";
import { recordingOf } from "../recording.ts";

/** A scenario that waits for gdb. */
export interface Waiting {
  timeline: Timeline;
  files: ProgramFile;
  server: GdbServer;
  /** Runs the real gdb on it, with these commands; what it wrote, without the paths of this run. */
  gdb(...commands: string[]): Promise<string>;
  close(): void;
}

/** `name`: of its files, without their endings. */
export async function waiting(text: string, profile?: string, interval?: number, name = "t"): Promise<Waiting> {
  const folder = mkdtempSync(join(tmpdir(), "jitproof-gdb-"));
  const timeline = recordingOf(text, profile, interval, `${name}.yaml`);
  const files = writeProgramFile(timeline.world, folder, name, name, `${name}.yaml`);
  const monitor = new Monitor(new DebugView(timeline, `${name}.yaml`));
  const server = await serveGdb({ timeline, monitor, program: files.elf }, 0);
  const script = join(folder, "t.gdb");
  writeFileSync(script, gdbScript(files.elf, server.port));
  return {
    timeline,
    files,
    server,
    async gdb(...commands) {
      const out = await runGdb(["-x", script, ...commands.flatMap((line) => ["-ex", line])]);
      return out.replaceAll(folder, "FOLDER");
    },
    close() {
      server.close();
      timeline.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** gdb in batch mode: all that it wrote. Rejects with one sentence where there is no gdb. */
export function runGdb(args: readonly string[]): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn("gdb", ["-nx", "-batch", "-iex", "set debuginfod enabled off", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    child.stdout.on("data", (text) => {
      out += text;
    });
    child.stderr.on("data", (text) => {
      out += text;
    });
    child.on("error", () => failed(new Error("this test needs gdb: apt install gdb")));
    child.on("close", () => done(out));
  });
}
