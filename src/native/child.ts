import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../error.ts";
import { packageRoot } from "../root.ts";
import type { Script } from "./script.ts";

/** Room for the answers of one script. */
const MAX_BUFFER = 1 << 28;

/** The program that runs code on this CPU, compiled for as long as it is needed. Close it. */
export class Child {
  readonly #folder: string;
  readonly #program: string;

  /** Throws UserError where this is no Linux on x86-64, or has no C compiler. */
  constructor() {
    if (process.platform !== "linux" || process.arch !== "x64")
      throw new UserError("native runs code on the CPU, which takes Linux on x86-64");
    this.#folder = mkdtempSync(join(tmpdir(), "jitproof-native-"));
    this.#program = join(this.#folder, "oncpu");
    const source = join(packageRoot(), "emulator/native-check/oncpu.c");
    const { error, status, stderr } = spawnSync("cc", ["-O1", "-o", this.#program, source], { encoding: "utf8" });
    if (status === 0) return;
    this.close();
    throw new UserError(`native needs a C compiler: ${error ? "there is no cc" : stderr.split("\n")[0]}`);
  }

  /** The answers of a script. Throws Error when the child fails. */
  run(script: Script): BigUint64Array {
    const { status, stdout, stderr, error } = spawnSync(this.#program, {
      input: script.bytes(),
      maxBuffer: MAX_BUFFER,
    });
    const answers = 8 * script.answers;
    if (status !== 0 || stdout.length !== answers)
      throw new Error(`the code's process failed: ${error?.message ?? (String(stderr).trim() || `status ${status}`)}`);
    return new BigUint64Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + answers));
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
