import { type Command, Option } from "commander";
import { GS_BASE, RFLAGS } from "../../emulator/engine.ts";
import { REG_NAMES } from "../../jit/x86/regs.ts";
import { UserError } from "../error.ts";
import { parseHex } from "../import/dump/hex.ts";
import { DumpText } from "../import/dump/text.ts";
import { isBroken } from "../microscope/run.ts";
import { runSnippet, type Snippet } from "../microscope/snippet.ts";
import { snippetJson, snippetText } from "../report/microscope.ts";
import { hint } from "../suggest.ts";
import type { Output } from "./output.ts";

/** Instructions that a snippet may take. */
const BUDGET = 100_000;
/** Where it is unless --at says otherwise. */
const ADDRESS = 0xffffffffc0001000n;
const LIMIT = 1n << 64n;

export interface HexOptions {
  hex?: string;
  at?: bigint;
  regs?: [number, bigint][];
  mem?: Snippet["memory"];
}

/** Options for bytes under a microscope. */
export function addHex(command: Command): Command {
  return command
    .addOption(new Option("--hex <BYTES>", "run these bytes alone, whatever they are, and show all that they do"))
    .addOption(
      new Option("--regs <REG=VALUE,...>", "hex: registers before, e.g. rdi=1,rsi=0x10; may be repeated").argParser(
        (text: string, before?: [number, bigint][]) => [...(before ?? []), ...registers(text)],
      ),
    )
    .addOption(
      new Option("--mem <ADDRESS=HEX>", "hex: memory before; may be repeated").argParser(
        (text: string, before?: Snippet["memory"]) => [...(before ?? []), memory(text)],
      ),
    );
}

/** Run the bytes, and say what they did. Returns whether they broke the ABI, or could not go on. Throws UserError. */
export function replayHex({ hex, at, regs, mem }: HexOptions, output: Output, json: boolean): boolean {
  const [{ bytes }] = parseHex(new DumpText(hex!, "--hex"), at).functions;
  const snippet: Snippet = {
    bytes,
    address: at ?? ADDRESS,
    registers: new Map(regs),
    memory: mem ?? [],
    budget: BUDGET,
  };
  const run = checked(() => runSnippet(snippet));
  output.write(json ? snippetJson(snippet, run) : snippetText(snippet, run, output.reportOptions().colors));
  return isBroken(run);
}

/** Addresses that no memory can be at. */
function checked<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error && error.name === "EngineError")
      throw new UserError(error.message, {}, { cause: error });
    throw error;
  }
}

const NAMES: ReadonlyMap<string, number> = new Map<string, number>([
  ...REG_NAMES.map((name, reg): [string, number] => [name, reg]),
  ["rflags", RFLAGS],
  ["gs", GS_BASE],
]);

function registers(text: string): [number, bigint][] {
  return text.split(",").map((part) => {
    const [, name, value] = /^\s*%?(\w+)=(-?\d{1,20}|0x[0-9a-fA-F]{1,16})\s*$/.exec(part) ?? [];
    if (name === undefined) throw new UserError(`--regs ${part}: expected REGISTER=VALUE, e.g. rdi=0x10`);
    const reg = NAMES.get(name);
    if (reg === undefined) throw new UserError(`--regs ${part}: no register "${name}"${hint(name, [...NAMES.keys()])}`);
    return [reg, u64(`--regs ${part}`, value)];
  });
}

function memory(text: string): Snippet["memory"][number] {
  const [, address, content] = /^(0x[0-9a-fA-F]{1,16}|\d{1,20})=(.+)$/s.exec(text) ?? [];
  if (content === undefined) throw new UserError(`--mem ${text}: expected ADDRESS=HEX, e.g. 0xffff888100000000=0100`);
  const [{ bytes }] = parseHex(new DumpText(content, `--mem ${address}`)).functions;
  return { address: u64(`--mem ${address}`, address), bytes };
}

function u64(option: string, text: string): bigint {
  const value = BigInt(text);
  if (value >= LIMIT || value < -(LIMIT >> 1n)) throw new UserError(`${option}: ${text} has more than 64 bits`);
  return BigInt.asUintN(64, value);
}
