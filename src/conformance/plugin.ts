import { decodeInsns, INSN_SIZE, type Insn } from "../../bpf/insn.ts";
import { VerifierError, withoutVerification } from "../../bpf/verifier/index.ts";
import { JitError } from "../../jit/error.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";
import { codeOfElf } from "../import/conformance/elf.ts";
import { verifierOf } from "../runner/verifier-of.ts";
import { needs, refusal } from "./data/applies.ts";
import { helperName, UBPF_HELPERS } from "./data/helpers.ts";
import { interpret } from "./data/interpret.ts";
import { BUDGET, enterWith } from "./data/run.ts";
import type { Execution } from "./execution.ts";
import { loadCompiled } from "./on-machine.ts";
import { INTERPRETER } from "./result.ts";

/** What bpf_conformance's runner, or ubpf's fuzzer, hands a plugin: hex, with or without blanks between the bytes. */
export interface PluginInput {
  program: string;
  /** the memory that R1 points to; "" where there is none */
  memory: string;
  /** the program is an ELF object */
  elf: boolean;
  /** profile, or "interpreter" */
  on: string;
}

/** R0, or why there is none, for the runner to hold against what the test expects. */
export type PluginOutput = { r0: bigint } | { error: string };

/** Runs one program as a plugin of bpf_conformance. Throws UserError for what is no hex, no program, no ELF object. */
export function runPlugin({ program, memory, elf, on }: PluginInput): PluginOutput {
  const bytes = fromHex(program, "the program");
  const code = elf ? codeOfElf(bytes) : bytes;
  if (!code.length || code.length % INSN_SIZE)
    throw new UserError(`the program has ${code.length} bytes; expected instructions of ${INSN_SIZE} bytes`);
  const insns = decodeInsns(code);
  const problem = refusal(insns) ?? needs(insns);
  if (problem) return { error: problem };
  const enter = enterWith(fromHex(memory, "the memory"));
  return on === INTERPRETER ? outputOf(interpret(insns, BUDGET, enter)) : onMachine(insns, on, enter);
}

function onMachine(insns: readonly Insn[], on: string, enter: ReturnType<typeof enterWith>): PluginOutput {
  const profile = profileNamed(on);
  if (!profile) throw new UserError(`unknown profile "${on}"`);
  const kernel = verifierOf(profile);
  try {
    const xlated = withoutVerification(insns, kernel, helperName);
    const settings = { kernel, helpers: UBPF_HELPERS, budget: BUDGET };
    const loaded = loadCompiled({ xlated, classic: false }, profile, settings);
    try {
      return outputOf(loaded.run(enter));
    } finally {
      loaded.close();
    }
  } catch (error) {
    if (error instanceof VerifierError || error instanceof JitError) return { error: error.message };
    throw error;
  }
}

function outputOf({ r0, stopped, findings }: Execution): PluginOutput {
  if (findings.length) return { error: `${findings[0].check}: ${findings[0].message}` };
  return r0 === undefined ? { error: stopped ?? "it did not return" } : { r0 };
}

function fromHex(text: string, what: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  const at = digits.search(/[^0-9a-fA-F]/);
  if (at >= 0) throw new UserError(`${what}: expected hex bytes, found "${digits[at]}" after ${at >> 1} of them`);
  if (digits.length % 2) throw new UserError(`${what}: an odd number of hex digits`);
  return Uint8Array.from(Buffer.from(digits, "hex"));
}
