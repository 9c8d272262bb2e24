import { disassemble } from "../../bpf/disasm/disassemble.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import type { CodeBook } from "./locate.ts";

/** A program as the JIT got it, and where its instructions come from. */
interface Entry {
  xlated: Xlated;
  /** line of the user's file for a slot of the program as loaded */
  line(origin: number): number | undefined;
  texts?: string[];
}

/** BPF text of compiled programs, disassembled when somebody asks. */
export class ProgramBook implements CodeBook {
  readonly #programs = new Map<string, Entry>();

  add(program: string, xlated: Xlated, line: (origin: number) => number | undefined = () => undefined): void {
    this.#programs.set(program, { xlated, line });
  }

  /** `image` is program#function-index, `slot` counts from the function's start. */
  bpf(image: string, slot: number): { text: string; line?: number } | undefined {
    const hash = image.lastIndexOf("#");
    const entry = this.#programs.get(image.slice(0, hash));
    const fn = entry?.xlated.functions[Number(image.slice(hash + 1))];
    if (!entry || !fn) return undefined;
    const { xlated } = entry;
    entry.texts ??= disassemble(xlated.insns, { ...xlated, callees: "index" });
    const at = fn.start + slot;
    return { text: entry.texts[at], line: entry.line(xlated.origin[at]) };
  }
}
