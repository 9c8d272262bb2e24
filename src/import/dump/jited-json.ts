import { type Dump, type DumpedFunction, MOST_CODE } from "./dump.ts";
import type { JsonNode, JsonText } from "./json.ts";

const FORMAT = "bpftool -j prog dump jited";

/** What an instruction has in front of its opcodes where a disassembler was built in. */
const NO_OPCODES = "no machine code here: dump it again with `opcodes` at the end of the command";

/**
 * Output of `bpftool -j prog dump jited ... opcodes` (tools/bpf/bpftool/jit_disasm.c): a list of functions, or, from kernels that don't
 * tell where functions begin, a list of instructions. Throws UserError.
 */
export function parseJitedJson(json: JsonText): Dump {
  const functions = collect(json, json.root);
  const notes: string[] = [];
  if (functions.some(({ name }) => name === undefined))
    notes.push("the dump doesn't tell where functions begin; they are recognised from the bytes");
  return { format: FORMAT, functions, bpf: [], notes };
}

/** Functions of one program, or of several (each with its header). */
function collect(json: JsonText, node: JsonNode): DumpedFunction[] {
  if (node.kind === "object" && node.entries.has("error")) {
    const error = node.entries.get("error")!;
    json.fail(`bpftool failed: ${json.string(error, "error")}`, error.at);
  }
  const items = node.kind === "object" ? [node] : json.array(node, "the dump");
  if (!items.length) json.fail("no instructions: bpftool had nothing to show (kptr_restrict? not root?)", node.at);
  if (isInstruction(items[0])) return [{ bytes: instructions(json, items), at: json.position(items[0].at) }];
  return items.flatMap((item) => {
    const entries = json.object(item, "a function");
    const insns = entries.get("insns");
    if (!insns) json.fail('a function without "insns"', item.at);
    const inner = json.array(insns, "insns");
    if (inner.length && !isInstruction(inner[0])) return collect(json, insns);
    if (!inner.length) json.fail('"insns" is empty: bpftool had no disassembler, or nothing to show', insns.at);
    const name = entries.get("name");
    const found: DumpedFunction = { bytes: instructions(json, inner), at: json.position(item.at) };
    return [{ ...found, ...nameOf(name && json.string(name, "name")) }];
  });
}

const isInstruction = (node: JsonNode): boolean => node.kind === "object" && node.entries.has("pc");

/** A symbol, or the address where bpftool found none. */
export function nameOf(name: string | undefined): { name?: string; address?: bigint } {
  if (name === undefined || name === "unknown" || name === "") return {};
  return /^0x[0-9a-f]{16}$/.test(name) ? { name, address: BigInt(name) } : { name };
}

function instructions(json: JsonText, items: readonly JsonNode[]): Uint8Array {
  const bytes: number[] = [];
  for (const item of items) {
    const entries = json.object(item, "an instruction");
    const pc = entries.get("pc");
    if (!pc) json.fail('an instruction without "pc"', item.at);
    const at = json.hex(pc, "pc", 0xffffffff);
    const opcodes = entries.get("opcodes");
    if (!opcodes) json.fail(NO_OPCODES, item.at);
    if (at !== bytes.length)
      json.fail(`pc is 0x${at.toString(16)} where 0x${bytes.length.toString(16)} comes next: lines are missing`, pc.at);
    if (bytes.length > MOST_CODE) json.fail(`more than ${MOST_CODE} bytes of code`, item.at);
    const list = json.array(opcodes, "opcodes");
    if (!list.length || list.length > 15)
      json.fail(`an instruction of ${list.length} bytes; expected 1 to 15`, opcodes.at);
    for (const opcode of list) bytes.push(json.hex(opcode, "an opcode", 0xff));
  }
  return Uint8Array.from(bytes);
}

/** Whether a JSON text looks like one of machine code rather than of BPF. */
export function isJitedJson(json: JsonText): boolean {
  let node: JsonNode | undefined = json.root;
  for (let i = 0; node && i < 6; i++) {
    if (node.kind === "array") node = node.items[0];
    else if (node.kind === "object") {
      if (node.entries.has("pc") || node.entries.has("error")) return true;
      node = node.entries.get("insns");
      if (node?.kind === "array" && !node.items.length) return true;
    } else return false;
  }
  return false;
}
