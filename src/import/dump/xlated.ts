import { BPF_CALL, BPF_DW, BPF_IMM, BPF_JMP, BPF_LD } from "../../../bpf/opcode.ts";
import { type Dump, MOST_CODE } from "./dump.ts";
import type { JsonNode, JsonText } from "./json.ts";
import { type DumpText, hexBytes } from "./text.ts";

const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;
const NO_OPCODES = "no BPF bytes here: dump it again with `opcodes` at the end of the command";

/** Output of `bpftool -j prog dump xlated ... opcodes` (tools/bpf/bpftool/xlated_dumper.c). Throws UserError. */
export function parseXlatedJson(json: JsonText): Dump {
  const bytes: number[] = [];
  let items = json.array(json.root, "the dump");
  const header = items[0]?.kind === "object" ? items[0].entries.get("insns") : undefined;
  if (header) items = json.array(header, "insns");
  if (!items.length) json.fail("no instructions: bpftool had nothing to show (not root?)", json.root.at);
  for (const item of items) {
    const entries = json.object(item, "an instruction");
    const opcodes = entries.get("opcodes");
    if (!opcodes) json.fail(entries.has("disasm") ? NO_OPCODES : "no instruction of BPF and none of x86", item.at);
    bytes.push(...instruction(json, opcodes));
    if (bytes.length > MOST_CODE) json.fail(`more than ${MOST_CODE} bytes of BPF`, item.at);
  }
  const at = json.position(items[0].at);
  const program = Uint8Array.from(bytes);
  if (isBigEndian(program)) json.fail(BIG_ENDIAN, items[0].at);
  return { format: "bpftool -j prog dump xlated", functions: [], bpf: [{ bytes: program, at }], notes: [] };
}

function instruction(json: JsonText, opcodes: JsonNode): number[] {
  const fields = json.object(opcodes, "opcodes");
  const field = (name: string): JsonNode => fields.get(name) ?? json.fail(`opcodes without "${name}"`, opcodes.at);
  const code = json.hex(field("code"), "code", 0xff);
  const registers = json.hex(field("dst_reg"), "dst_reg", 15) | (json.hex(field("src_reg"), "src_reg", 15) << 4);
  const bytesOf = (name: string, sizes: readonly number[]): number[] => {
    const node = field(name);
    const items = json.array(node, name);
    if (!sizes.includes(items.length))
      json.fail(`${name} has ${items.length} bytes; expected ${sizes.join(" or ")}`, node.at);
    return items.map((item) => json.hex(item, name, 0xff));
  };
  const off = bytesOf("off", [2]);
  return [code, registers, ...off, ...bytesOf("imm", code === LD_IMM64 ? [12] : [4])];
}

/** "   4: (85) call bpf_tail_call#12" */
const INSTRUCTION = /^\s*(\d{1,7}): \(([0-9a-f]{2})\) \S/;
const OPCODES = /^ {7}((?:[0-9a-f]{2} ?)+)\s*$/;

export const isXlatedText = ({ lines }: DumpText): boolean => lines.some((line) => INSTRUCTION.test(line));

/** Output of `bpftool prog dump xlated ... opcodes`: an instruction a line, its bytes on the line below. Throws UserError. */
export function parseXlatedText(text: DumpText): Dump {
  const bytes: number[] = [];
  let first: { line: number; column: number } | undefined;
  for (let i = 0; i < text.lines.length; i++) {
    const line = text.lines[i];
    const [, slot, code] = INSTRUCTION.exec(line) ?? [];
    const place = { line: i + 1, column: 1 + line.search(/\S|$/) };
    if (slot === undefined) {
      if (OPCODES.test(line)) text.fail("bytes without an instruction above them: lines are missing", place);
      continue;
    }
    if (first && slot === "0") text.fail("a second program; expected one", place);
    if (Number(slot) !== bytes.length / 8)
      text.fail(`instruction ${slot} where ${bytes.length / 8} comes next: lines are missing`, place);
    const [, hex] = OPCODES.exec(text.lines[i + 1] ?? "") ?? [];
    if (hex === undefined) {
      const rest = text.lines.slice(i + 1).some((next) => next.trim());
      if (first && !rest) text.fail("ends here; expected the instruction's bytes (cut short?)", text.end);
      text.fail(first ? `expected the instruction's bytes, such as "85 00 00 00 0c 00 00 00"` : NO_OPCODES, {
        line: first ? i + 2 : i + 1,
        column: 1,
      });
    }
    const more = hexBytes(text, i + 2, 8, hex);
    const size = more[0] === LD_IMM64 ? 16 : 8;
    if (more.length !== size || more[0] !== Number.parseInt(code, 16))
      text.fail(`expected ${size} bytes, 0x${code} first`, { line: i + 2, column: 8 });
    first ??= place;
    bytes.push(...more);
    if (bytes.length > MOST_CODE) text.fail(`more than ${MOST_CODE} bytes of BPF`, place);
    i++;
  }
  const program = Uint8Array.from(bytes);
  if (isBigEndian(program)) text.fail(BIG_ENDIAN, first ?? text.end);
  return {
    format: "bpftool prog dump xlated",
    functions: [],
    bpf: [{ bytes: program, at: first ?? text.end }],
    notes: [],
  };
}

const BIG_ENDIAN = "the numbers are big-endian: it was dumped on such a machine; expected little-endian ones";

/** Whether offsets and immediates make sense only when they are read the other way round. */
function isBigEndian(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let votes = 0;
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const off = [view.getInt16(at + 2, true), view.getInt16(at + 2, false)];
    const imm = [view.getInt32(at + 4, true), view.getInt32(at + 4, false)];
    const isHelper = bytes[at] === (BPF_JMP | BPF_CALL) && bytes[at + 1] === 0;
    if (Math.abs(off[0]) !== Math.abs(off[1])) votes += Math.abs(off[0]) < Math.abs(off[1]) ? -1 : 1;
    if (imm[0] !== imm[1] && !isHelper) votes += Math.abs(imm[0]) < Math.abs(imm[1]) ? -1 : 1;
    if (bytes[at] === LD_IMM64) at += 8;
  }
  return votes > 0;
}
