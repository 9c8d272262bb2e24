import { RFLAGS, RSP } from "../../emulator/engine.ts";
import { RETURN_TO_KERNEL } from "../../emulator/layout.ts";
import { REG_NAMES } from "../../jit/x86/regs.ts";
import { takeApart } from "../import/recognise/code.ts";
import { disassembleAt } from "../import/x86/disassemble.ts";
import { againstAbi, isBroken, type MemoryAccess, type SnippetRun, type SnippetStep } from "../microscope/run.ts";
import type { Snippet } from "../microscope/snippet.ts";
import type { Colors } from "./report.ts";
import { flagsText, hex } from "./trace/values.ts";

/** Instructions, and accesses, that a report for people shows. */
const SHOWN = 200;
const EXCEPTIONS: Record<number, string> = {
  0: "#DE, division error",
  3: "#BP, int3",
  6: "#UD, invalid instruction",
  13: "#GP",
};

/** What a snippet did, for people. */
export function snippetText(snippet: Snippet, run: SnippetRun, { bold, dim, green, red }: Colors): string {
  const { before, after, accesses } = run;
  const lines = listing(snippet, run).map(({ place, asm, changes }) =>
    `${dim(place)} ${asm.padEnd(36)} ${green(changes)}`.trimEnd(),
  );
  lines.push(bold(endText(snippet, run)), "");
  lines.push(bold("registers"), ...registersText(before, after));
  const flags = flagsText({ old: Number(before[RFLAGS]), now: Number(after[RFLAGS]) });
  if (flags) lines.push(`  flags  ${flags}`);
  for (const [title, write] of [
    ["reads", false],
    ["writes", true],
  ] as const) {
    const some = accesses.filter((access) => access.write === write);
    if (!some.length) continue;
    lines.push(bold(title), ...some.slice(0, SHOWN).map((access) => `  ${accessText(snippet, access)}`));
    if (some.length > SHOWN) lines.push(`  and ${some.length - SHOWN} more`);
  }
  lines.push(bold("ABI"), ...abiText(run).map((text) => `  ${isBroken(run) ? red(text) : text}`));
  return `${lines.join("\n")}\n`;
}

interface Line {
  place: string;
  asm: string;
  changes: string;
}

function listing({ bytes, address }: Snippet, { steps, after, instructions }: SnippetRun): Line[] {
  const lengths = new Map(takeApart(bytes).pieces.map(({ at, length }) => [at, length]));
  const lines = steps.slice(0, SHOWN).map((step, i): Line => {
    const next = steps[i + 1]?.registers ?? after;
    const nextFlags = Number(steps[i + 1]?.flags ?? after[RFLAGS]);
    const offset = Number(step.pc - address);
    const changes = [...changesOf(step, next), flagsText({ old: Number(step.flags), now: nextFlags })].filter(Boolean);
    if (offset < 0 || offset >= bytes.length)
      return { place: `      ${hex(step.pc)}`.padEnd(31), asm: "(a C function)", changes: changes.join("; ") };
    const code = Buffer.from(bytes.subarray(offset, offset + (lengths.get(offset) ?? 1))).toString("hex");
    const place = `${String(i).padStart(5)} ${`+${hex(BigInt(offset))}`.padEnd(6)} ${code.padEnd(20)}`;
    return { place, asm: disassembleAt(bytes, address, offset), changes: changes.join("; ") };
  });
  if (instructions > lines.length)
    lines.push({ place: "", asm: `and ${instructions - lines.length} more instructions`, changes: "" });
  return lines;
}

const changesOf = ({ registers }: SnippetStep, next: BigUint64Array): string[] =>
  REG_NAMES.flatMap((name, reg) => (registers[reg] === next[reg] ? [] : [`${name} = ${hex(next[reg])}`]));

function registersText(before: BigUint64Array, after: BigUint64Array): string[] {
  return REG_NAMES.map((name, reg) => {
    const was = hex(before[reg]).padEnd(18);
    return before[reg] === after[reg]
      ? `  ${name.padEnd(4)} ${was}`
      : `  ${name.padEnd(4)} ${was} -> ${hex(after[reg])}`;
  });
}

function accessText({ address: start }: Snippet, { pc, address, size, write, old, now }: MemoryAccess): string {
  const value = (bytes: bigint): string => (bytes === RETURN_TO_KERNEL ? `${hex(bytes)} (who called)` : hex(bytes));
  const what = `${size} byte${size === 1 ? " " : "s"} at ${hex(address)}`;
  const values = size > 8 ? "" : write ? `  ${value(old)} -> ${value(now)}` : `  ${value(now)}`;
  return `${`+${hex(pc - start)}`.padEnd(6)} ${what}${values}`;
}

/** "runs off its end after 2 instructions" */
export function endText({ address }: Snippet, { end, instructions }: SnippetRun): string {
  const at = "pc" in end ? ` at +${hex(BigInt.asUintN(64, end.pc - address))}` : "";
  const after = `after ${instructions} instruction${instructions === 1 ? "" : "s"}`;
  switch (end.kind) {
    case "end":
      return `runs off its end ${after}`;
    case "return":
      return `returns ${after}`;
    case "budget":
      return `is still running ${after}`;
    case "away":
      return `goes to ${hex(end.pc)} ${after}`;
    case "exception":
      return `raises ${EXCEPTIONS[end.vector] ?? `exception ${end.vector}`}${at}`;
    case "fault": {
      const what =
        end.access === "fetch" ? "jumps to" : `${end.access}s ${end.size} byte${end.size === 1 ? "" : "s"} at`;
      return `faults${end.access === "fetch" ? "" : at}: ${what} ${hex(end.address)}, where nothing is mapped (--mem ${hex(end.address)}=00 maps it)`;
    }
  }
}

function abiText(run: SnippetRun): string[] {
  const { scratched, lost, rsp } = againstAbi(run);
  const names = (registers: number[]): string => registers.map((reg) => REG_NAMES[reg]).join(" ");
  const lines = [
    scratched.length
      ? `changes ${names(scratched)}, as any function may`
      : "changes no register that a function may change",
  ];
  if (lost.length) lines.push(`changes ${names(lost)}, which a function gives back as it found it`);
  if (rsp) lines.push(`leaves ${REG_NAMES[RSP]} ${rsp < 0n ? -rsp : rsp} bytes ${rsp < 0n ? "lower" : "higher"}`);
  return lines;
}

/** The same for programs; u64 as decimal strings. */
export function snippetJson(snippet: Snippet, run: SnippetRun): string {
  const { before, after, accesses, end, instructions } = run;
  const { scratched, lost, rsp } = againstAbi(run);
  const access = ({ pc, address, size, old, now }: MemoryAccess) => ({
    offset: Number(pc - snippet.address),
    address: String(address),
    size,
    old: String(old),
    now: String(now),
  });
  const value = {
    end: { ...end, text: endText(snippet, run) },
    instructions,
    registers: Object.fromEntries(
      REG_NAMES.map((name, reg) => [name, { before: String(before[reg]), after: String(after[reg]) }]),
    ),
    flags: { before: Number(before[RFLAGS]), after: Number(after[RFLAGS]) },
    reads: accesses.filter(({ write }) => !write).map(access),
    writes: accesses.filter(({ write }) => write).map(access),
    abi: {
      scratched: scratched.map((reg) => REG_NAMES[reg]),
      lost: lost.map((reg) => REG_NAMES[reg]),
      rsp: Number(rsp),
      broken: isBroken(run),
    },
  };
  return `${JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item))}\n`;
}
