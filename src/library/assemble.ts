import { assemble as assembleText } from "../../bpf/asm/assemble.ts";
import { AsmError } from "../../bpf/asm/error.ts";
import { encodeInsns, type Insn } from "../../bpf/insn.ts";
import type { FuncInfo } from "../../bpf/program.ts";
import { UserError } from "../error.ts";
import type { ProgramType } from "../scenario/names.ts";
import type { MapSource, Source } from "./source.ts";

export interface AssembleOptions {
  /** what the program is called; `entry` by default */
  name?: string;
  /** `classifier` by default */
  type?: ProgramType;
  /** what `r1 = NAME ll` may refer to */
  maps?: Readonly<Record<string, MapSource>>;
}

/** A program in BPF, before a kernel has seen it. */
export interface Program {
  readonly name: string;
  readonly type: ProgramType;
  readonly maps: Readonly<Record<string, MapSource>>;
  /** the assembly that it was made from */
  readonly text: string;
  readonly insns: readonly Insn[];
  /** struct bpf_insn in a row, little endian; references to maps are not resolved */
  readonly bytes: Uint8Array;
  /** its functions in order, the program's own first; `start` counts instructions of 8 bytes */
  readonly functions: readonly FuncInfo[];
}

/**
 * Assembles BPF assembly in LLVM's syntax: `r0 = *(u32 *)(r1 + 4)`, labels, `call bpf_tail_call`, `r1 = counter[0] ll`, several
 * functions. Throws UserError with line and column of the text; its file is the program's name.
 */
export function assemble(
  text: string,
  { name = "entry", type = "classifier", maps = {} }: AssembleOptions = {},
): Program {
  try {
    const { insns, functions } = assembleText(text, { maps: Object.keys(maps), entry: name });
    return { name, type, maps, text, insns, bytes: encodeInsns(insns), functions };
  } catch (error) {
    if (!(error instanceof AsmError)) throw error;
    const { line, column, message } = error;
    throw new UserError(message.replace(/^\d+:\d+: /, ""), { file: name, line, column }, { cause: error });
  }
}

/** What the library takes wherever programs are wanted: a program, several with their maps, or the assembly of one called `entry`. */
export type Programs = string | Program | Source;

export function sourceOf(programs: Programs): Source {
  if (typeof programs === "string") return { programs: { entry: programs } };
  if ("programs" in programs) return programs;
  const { name, type, maps, text } = programs;
  return { maps, programs: { [name]: { type, code: text } } };
}
