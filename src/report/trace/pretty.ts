import { basename } from "node:path";
import type { BpfLine } from "../../runner/code-listing.ts";
import type { Arrival, Instruction, TracedStep } from "../../runner/trace/step.ts";
import type { Colors } from "../report.ts";
import { flagsText, registerText, writeText } from "./values.ts";

const WIDTH = { icount: 8, place: 28, bytes: 20, asm: 34 };

interface Words {
  /** BPF instructions, a line each */
  above: string;
  place: string;
  asm: string;
  note: string;
  /** asm and note of a step that changes nothing */
  quiet: string;
}

/** A trace for people: a line for each instruction, with what it changed; above it how control got there, and the BPF instruction. */
export class TraceText {
  readonly #colors: Colors;
  readonly #file: string;
  readonly #words = new Map<Instruction, Words>();

  /** `file`: whose lines the BPF instructions are from. */
  constructor(colors: Colors, file: string) {
    this.#colors = colors;
    this.#file = basename(file);
  }

  step(step: TracedStep): string {
    const { bold, dim, green } = this.#colors;
    let words = this.#words.get(step.instruction);
    if (!words) {
      words = this.#describe(step.instruction);
      this.#words.set(step.instruction, words);
    }
    const changes = changesText(step);
    const tail = changes ? `${words.asm} ${green(changes)}${words.note && `  ${words.note}`}` : words.quiet;
    const arrival = step.arrival ? `${bold(arrivalText(step.arrival))}\n` : "";
    return `${arrival}${words.above}${dim(String(step.icount).padStart(WIDTH.icount))} ${words.place} ${tail}\n`;
  }

  #lineOf({ line }: BpfLine): string {
    return line ? `  ${this.#file}:${line}` : "";
  }

  /** What every line of an instruction has. */
  #describe({ function: name, offset, bytes, asm: plain, note, from, isModel }: Instruction): Words {
    const { bold, dim } = this.#colors;
    const indent = " ".repeat(WIDTH.icount + 1);
    const line = (bpf: BpfLine) => {
      const text = `${this.#lineOf(bpf)}${sourceText(bpf)}`;
      return text && dim(text);
    };
    const place = `${name}+0x${offset.toString(16)}`.padEnd(WIDTH.place);
    const asm = (isModel ? "(modelled) " : "") + plain;
    const remark = note ? dim(`# ${note}`) : "";
    return {
      above: from.map((bpf) => `${indent}${bold(`${bpf.insn}: ${bpf.text}`)}${line(bpf)}\n`).join(""),
      place: `${place} ${dim(Buffer.from(bytes).toString("hex").padEnd(WIDTH.bytes))}`,
      asm: asm.padEnd(WIDTH.asm),
      note: remark,
      quiet: remark ? `${asm.padEnd(WIDTH.asm)} ${remark}` : asm,
    };
  }
}

/** "  prog.c:12  count += 1;" */
function sourceText({ source }: BpfLine): string {
  return source ? `  ${basename(source.file)}:${source.line}${source.text ? `  ${source.text.trim()}` : ""}` : "";
}

function arrivalText(arrival: Arrival): string {
  switch (arrival.kind) {
    case "call":
      return `=> call ${arrival.function}, depth ${arrival.depth}`;
    case "tail-call":
      return `=> tail call ${arrival.nth} ${arrival.function}, depth ${arrival.depth}`;
    case "return":
      return `<= return to ${arrival.function}, depth ${arrival.depth}`;
    case "task":
      return `=> task ${arrival.task} on CPU ${arrival.cpu}`;
  }
}

function changesText({ registers, flags, writes, ended }: TracedStep): string {
  const parts = [...registers.map(registerText), ...writes.map(writeText)];
  if (flags) parts.push(flagsText(flags));
  if (ended) parts.push(`does not complete: ${ended}`);
  return parts.join("; ");
}
