import { GuestFault } from "../../emulator/memory.ts";
import { CHECKS } from "../checks/index.ts";
import { UserError } from "../error.ts";
import { drawStack } from "../runner/stack-picture.ts";
import { BPF_REGISTERS } from "./bpf-registers.ts";
import type { DebugView } from "./view.ts";

/** "state 231 of 353: run 1 of entry, 230 instructions in, CPU 0, task 1" and the instruction. */
export function whereText(view: DebugView): string {
  const { timeline, place } = view;
  const { piece, at, end, icount, pc } = timeline;
  const thread = `CPU ${piece.tag & 0xffffffffn}, task ${piece.tag >> 32n}`;
  const taken = timeline.marks.tailCalls.filter(({ state, run }) => run === piece.run && state <= at).length;
  const lines = [
    `state ${at} of ${end}: run ${piece.run} of ${piece.program}, ${counted(icount, "instruction")} in, ${counted(taken, "tail call")} taken; ${thread}`,
    `${view.nameOf(pc)}${place.asm ? `  ${place.asm}` : ""}`,
  ];
  if (place.insn !== undefined && place.bpf)
    lines.push(`BPF ${place.insn}: ${place.bpf}${place.line ? `  ${view.file}:${place.line}` : ""}`);
  return `${lines.join("\n")}\n`;
}

/** Tail calls shown before and behind the present one. */
const AROUND = 5;

/** The tail calls of the present run, with an arrow where the present state is among them. */
export function tailCallsText(view: DebugView): string {
  const { timeline } = view;
  const { run } = timeline.piece;
  const all = timeline.marks.tailCalls.filter((call) => call.run === run);
  const refused = timeline.marks.refused.length;
  const taken = all.filter(({ state }) => state <= timeline.at).length;
  const first = Math.max(0, taken - AROUND);
  const shown = all.slice(first, taken + AROUND);
  const lines = shown.flatMap(({ state, from, callee }, i) => {
    const nth = first + i + 1;
    const line = `${`${nth}`.padStart(5)}  ${view.nameOf(from)} -> ${callee}, at state ${state}`;
    return nth === taken ? [line, "   => here"] : [line];
  });
  if (taken === 0) lines.unshift("   => here");
  if (first) lines.unshift(`  ... ${first} before`);
  if (first + shown.length < all.length) lines.push(`  ... ${all.length - first - shown.length} more`);
  const summary = `${counted(all.length, "tail call")} taken in run ${run}, ${taken} so far; ${refused} not taken`;
  return `${[summary, ...lines].join("\n")}\n`;
}

/** The stack as the mailing list draws it; `count`: how many of the innermost frames. Throws UserError. */
export function framesText({ timeline }: DebugView, count: string): string {
  if (!/^([1-9]\d{0,5})?$/.test(count)) throw new UserError(`${count} is no number of frames`);
  try {
    const lines = drawStack(timeline.machine).split(/(?<=\n)/);
    const hidden = count ? Math.max(0, lines.length - Number(count)) : 0;
    const above = hidden ? `... ${counted(hidden, "frame")} above\n` : "";
    return above + lines.slice(hidden).join("") || "no BPF function is under way\n";
  } catch (error) {
    if (error instanceof GuestFault) return "the stack cannot be followed from here\n";
    throw error;
  }
}

export function contractsText(view: DebugView): string {
  const { findings } = view;
  return CHECKS.map(({ name, about }) => {
    const broken = findings.filter(({ finding }) => finding.check === name);
    if (!broken.length) return `holds   ${name}: ${about}\n`;
    return broken
      .map(
        ({ finding, state }) =>
          `broken  ${name}: ${finding.message}\n        at state ${state}, ${view.nameOf(finding.pc)}: expected ${finding.expected}, actual ${finding.actual}\n`,
      )
      .join("");
  }).join("");
}

/** R0..R10 as the machine's registers have them. */
export function registersText({ timeline }: DebugView): string {
  const { regs } = timeline.machine.engine;
  return BPF_REGISTERS.map((word, i) => `${`r${i}`.padEnd(4)}0x${regs[word].toString(16)}\n`).join("");
}

/** How the run under way ended, at its last state; "" elsewhere. */
export function endingText(view: DebugView): string {
  const { timeline, findings } = view;
  const ended = timeline.marks.ends.find(({ state }) => state === timeline.at);
  if (!ended) return "";
  const what = ended.r0 === undefined ? "ends here, without a return" : `has returned ${ended.r0}`;
  const broken = findings.map(({ finding }) => `${finding.check}: ${finding.message}\n`);
  return `run ${ended.run} of ${ended.program} ${what}\n${broken.join("")}`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
