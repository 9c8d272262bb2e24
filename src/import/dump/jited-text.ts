import { type Dump, type DumpedFunction, MOST_CODE } from "./dump.ts";
import { nameOf } from "./jited-json.ts";
import { type DumpText, hexBytes } from "./text.ts";

/** "   4:\tnopl   0x0(%rax,%rax,1)" */
const INSTRUCTION = /^\s{0,8}([0-9a-f]{1,8}):(?:\t|\s{2,})\S/;
/** "\t0f 1f 44 00 00 " */
const OPCODES = /^\t((?:[0-9a-f]{2} ?)+)\s*$/;
/** "bpf_prog_6deef7357e7b4530_entry:" */
const LABEL = /^(\S+):\s*$/;

/** Whether a text has instructions as bpftool numbers them. */
export const isJitedText = ({ lines }: DumpText): boolean =>
  lines.some((line, i) => INSTRUCTION.test(line) && (OPCODES.test(lines[i + 1] ?? "") || isFirst(lines, i)));

const isFirst = (lines: readonly string[], i: number): boolean =>
  /^\s{0,8}0:/.test(lines[i]) && LABEL.test(lines[i - 1] ?? "") && !/^\s*0: \(/.test(lines[i]);

/**
 * Output of `bpftool prog dump jited ... opcodes`: a label for each function, then an instruction a line, each with its bytes on the line below.
 * Lines of the C source, and whatever else stands between functions, are passed over. Throws UserError.
 */
export function parseJitedText(text: DumpText): Dump {
  const functions: DumpedFunction[] = [];
  let bytes: number[] = [];
  let label: string | undefined;
  const finish = (): void => {
    if (bytes.length) functions[functions.length - 1].bytes = Uint8Array.from(bytes);
    bytes = [];
  };
  for (let i = 0; i < text.lines.length; i++) {
    const line = text.lines[i];
    const [, pc] = INSTRUCTION.exec(line) ?? [];
    const place = { line: i + 1, column: 1 + line.search(/\S|$/) };
    if (pc === undefined) {
      if (OPCODES.test(line)) text.fail("bytes without an instruction above them: lines are missing", place);
      const [, name] = LABEL.exec(line) ?? [];
      if (name !== undefined && !line.startsWith(";")) label = name;
      continue;
    }
    const offset = Number.parseInt(pc, 16);
    if (offset === 0) {
      finish();
      functions.push({ bytes: new Uint8Array(), at: place, ...nameOf(label) });
      label = undefined;
    }
    if (offset !== bytes.length || !functions.length)
      text.fail(`0x${pc} where 0x${bytes.length.toString(16)} comes next: lines are missing`, place);
    const [, hex] = OPCODES.exec(text.lines[i + 1] ?? "") ?? [];
    if (hex === undefined) noBytes(text, i, functions.length === 1 && offset === 0);
    const more = hexBytes(text, i + 2, 2, hex);
    if (more.length > 15)
      text.fail(`an instruction of ${more.length} bytes; expected 1 to 15`, { line: i + 2, column: 2 });
    bytes.push(...more);
    if (bytes.length > MOST_CODE) text.fail(`more than ${MOST_CODE} bytes of code`, place);
    i++;
  }
  finish();
  const notes = functions.some(({ name }) => name === undefined)
    ? ["the dump doesn't tell where functions begin; they are recognised from the bytes"]
    : [];
  return { format: "bpftool prog dump jited", functions, bpf: [], notes };
}

function noBytes(text: DumpText, index: number, first: boolean): never {
  const rest = text.lines.slice(index + 1).some((line) => line.trim());
  if (!first && !rest) text.fail("ends here; expected the instruction's bytes (cut short?)", text.end);
  const next = text.lines[index + 1] ?? "";
  if (!first)
    text.fail(`expected the instruction's bytes, such as "0f 1f 44 00 00"`, {
      line: index + 2,
      column: 1 + next.search(/\S|$/),
    });
  text.fail("no machine code here: dump it again with `opcodes` at the end of the command", {
    line: index + 1,
    column: 1 + text.lines[index].search(/\S|$/),
  });
}
