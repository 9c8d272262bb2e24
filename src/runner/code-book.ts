import { disassemble } from "../../bpf/disasm/disassemble.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import { imageName } from "../../jit/program.ts";
import type { CodeBook, SourceLine } from "./locate.ts";

/** A program as the JIT got it, and where its instructions come from. */
interface Entry {
  xlated: Xlated;
  /** line of the user's file for a slot of the program as loaded */
  line(origin: number): number | undefined;
  /** line info: the same in the C source */
  source?(origin: number): SourceLine | undefined;
  texts?: string[];
}

/** BPF text of compiled programs, disassembled when somebody asks. */
export class ProgramBook implements CodeBook {
  readonly #images = new Map<string, { entry: Entry; start: number }>();

  add(
    program: string,
    xlated: Xlated,
    line: (origin: number) => number | undefined = () => undefined,
    source?: (origin: number) => SourceLine | undefined,
  ): void {
    const entry: Entry = { xlated, line, ...(source ? { source } : {}) };
    for (const [index, fn] of xlated.functions.entries())
      this.#images.set(imageName(program, fn, index), { entry, start: fn.start });
  }

  /** `image` as imageName() has it; `slot` counts from the function's start. */
  bpf(image: string, slot: number): ReturnType<CodeBook["bpf"]> {
    const found = this.#images.get(image);
    if (!found) return undefined;
    const { entry, start } = found;
    const { xlated } = entry;
    entry.texts ??= disassemble(xlated.insns, { ...xlated, callees: "index" });
    const at = start + slot;
    const origin = xlated.origin[at];
    const source = entry.source?.(origin);
    return { text: entry.texts[at], line: entry.line(origin), ...(source ? { source } : {}) };
  }
}
