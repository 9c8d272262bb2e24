import * as O from "../../opcode.ts";
import * as C from "../opcode.ts";
import { EXTENSIONS } from "./extensions.ts";
import { u32, type Word, wrong } from "./words.ts";

/** What an operand is: the mode bits that it gives a load, and k. */
export type Operand =
  | { kind: "x" | "a" | "len" }
  /** #k, M[k], [k], [x + k], 4*([k]&0xf), or ancillary data */
  | { kind: "imm" | "mem" | "abs" | "ind" | "msh" | "ancillary"; k: number };

const NUMBER = "(-?(?:0[xX][0-9a-fA-F]+|\\d+))";
const FORMS: [kind: "imm" | "mem" | "abs" | "ind" | "msh", form: RegExp][] = [
  ["imm", new RegExp(`^#\\s*${NUMBER}$`)],
  ["mem", new RegExp(`^[mM]\\s*\\[\\s*${NUMBER}\\s*\\]$`)],
  ["abs", new RegExp(`^\\[\\s*${NUMBER}\\s*\\]$`)],
  ["ind", new RegExp(`^\\[\\s*%?x\\s*(?:\\+\\s*${NUMBER}\\s*)?\\]$`)],
  ["msh", new RegExp(`^4\\s*\\*\\s*\\(\\s*\\[\\s*${NUMBER}\\s*\\]\\s*&\\s*0xf\\s*\\)$`, "i")],
];

export function operandOf(word: Word): Operand {
  const { text } = word;
  if (/^%?x$/.test(text)) return { kind: "x" };
  if (/^%?a$/.test(text)) return { kind: "a" };
  const name = /^#?\s*([a-z_]+)$/.exec(text)?.[1];
  if (name === "len" || name === "pktlen") return { kind: "len" };
  if (name !== undefined && EXTENSIONS[name] !== undefined)
    return { kind: "ancillary", k: (C.SKF_AD_OFF + EXTENSIONS[name]) >>> 0 };
  for (const [kind, form] of FORMS) {
    const match = form.exec(text);
    if (match) return { kind, k: u32(match[1] ?? "0") ?? wrong(word, "a number of 32 bits") };
  }
  return wrong(word, "an operand: #k, x, M[k], [k], [x + k], 4*([k]&0xf), len, or ancillary data such as proto");
}

/** Mode and k of a load. */
export function loadMode(operand: Operand): { mode: number; k: number } | undefined {
  switch (operand.kind) {
    case "len":
      return { mode: C.BPF_LEN, k: 0 };
    case "imm":
      return { mode: O.BPF_IMM, k: operand.k };
    case "mem":
      return { mode: O.BPF_MEM, k: operand.k };
    case "abs":
    case "ancillary":
      return { mode: O.BPF_ABS, k: operand.k };
    case "ind":
      return { mode: O.BPF_IND, k: operand.k };
    case "msh":
      return { mode: C.BPF_MSH, k: operand.k };
    default:
      return undefined;
  }
}
