import { basename } from "node:path";
import type { Image } from "../../../bpf/image.ts";
import type { BpfLine, CodeLine } from "../../runner/code-listing.ts";
import type { SourceLine } from "../../runner/locate.ts";
import type { Colors } from "../report.ts";
import { type CompiledProgram, hex, hexBytes } from "./compiled.ts";

/** Columns that a column may take; what is longer moves the rest of its line. */
const MOST = { bpf: 44, bytes: 30, asm: 34 };

/** BPF instruction, offset, bytes and AT&T text side by side, what each part is for at the end of its line. */
export function* listAsm({ name, profile, functions }: CompiledProgram, colors: Colors, passes: boolean) {
  yield `${colors.bold(name)} ${colors.dim(`on ${profile}`)}\n`;
  for (const { image, lines } of functions) {
    yield `\n${heading(image, colors)}\n`;
    if (passes) for (const line of passLines(image.passes)) yield `  ${line}\n`;
    const rows = lines.map((line) => ({ line, rows: rowsOf(line, image) }));
    const width = columnWidths(rows.flatMap((of) => of.rows));
    let last: SourceLine | undefined;
    for (const { line, rows: own } of rows) {
      const source = line.from.find((bpf) => bpf.source)?.source;
      if (source && !(source.file === last?.file && source.line === last.line))
        yield `${colors.green(sourceRow(source))}\n`;
      last = source ?? last;
      for (const row of own) yield `${paint(row, width, colors)}\n`;
    }
  }
}

function heading({ name, address, bytes, frame }: Image, colors: Colors): string {
  const slots = frame?.slots.map((slot) => slot.name) ?? [];
  const below = [...(frame?.depth ? [`${frame.depth} bytes of BPF stack`] : []), ...slots].join(", ");
  const facts = `${bytes.length} bytes at ${hex(address)}${below ? `, frame: ret, rbp, ${below}` : ""}`;
  return `${colors.bold(`${name}:`)} ${colors.dim(facts)}`;
}

/** "pass 1: 139 bytes", "pass 2: 91 bytes, -48" */
function passLines(passes: readonly number[]): string[] {
  return passes.map((bytes, i) => {
    const change = i === 0 ? "" : bytes === passes[i - 1] ? ", stable" : `, ${bytes - passes[i - 1]}`;
    return `pass ${i + 1}: ${bytes} bytes${i === passes.length - 1 ? ", final" : change}`;
  });
}

/** "; prog.c:12  count += 1;" */
const sourceRow = ({ file, line, text }: SourceLine): string =>
  `; ${basename(file)}:${line}${text ? `  ${text.trim()}` : ""}`;

interface Row {
  bpf: string;
  offset: string;
  bytes: string;
  asm: string;
  note: string;
}

function rowsOf({ offset, bytes, asm, note, from }: CodeLine, image: Image): Row[] {
  const texts = from.map(({ insn, text }: BpfLine) => `${String(insn).padStart(4)}: ${text}`);
  if (offset === 0 && image.body > 0) texts.unshift("      (prologue)");
  const own = texts.pop() ?? "";
  return [
    ...texts.map((bpf) => ({ bpf, offset: "", bytes: "", asm: "", note: "" })),
    { bpf: own, offset: `+0x${offset.toString(16)}`, bytes: hexBytes(bytes), asm, note: note ?? "" },
  ];
}

function columnWidths(rows: readonly Row[]) {
  const widest = (of: keyof Row, most: number) =>
    rows.reduce((width, row) => (row[of].length <= most ? Math.max(width, row[of].length) : width), 0);
  return {
    bpf: widest("bpf", MOST.bpf),
    offset: widest("offset", 8),
    bytes: widest("bytes", MOST.bytes),
    asm: widest("asm", MOST.asm),
  };
}

function paint(row: Row, width: ReturnType<typeof columnWidths>, colors: Colors): string {
  const cells = [
    row.bpf.padEnd(width.bpf),
    colors.dim(row.offset.padStart(width.offset)),
    colors.dim(row.bytes.padEnd(width.bytes)),
    row.note ? row.asm.padEnd(width.asm) : row.asm,
    row.note ? colors.green(`# ${row.note}`) : "",
  ];
  return row.offset === "" ? row.bpf : cells.join("  ").trimEnd();
}
