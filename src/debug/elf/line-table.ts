import { ByteWriter } from "./bytes.ts";

/** An address at which the code of a line begins. */
export interface LineRow {
  address: bigint;
  line: number;
}

/** Lines of one function, in order of address; `end` is the first address behind it. */
export interface LineSequence {
  rows: readonly LineRow[];
  end: bigint;
}

const DW_LNS_copy = 1;
const DW_LNS_advance_pc = 2;
const DW_LNS_advance_line = 3;
const DW_LNE_end_sequence = 1;
const DW_LNE_set_address = 2;
/** how many arguments each standard opcode takes, from DW_LNS_copy on */
const STANDARD_ARGUMENTS = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];

/** .debug_line (DWARF 4) of one source file. */
export function debugLine(folder: string, file: string, sequences: readonly LineSequence[]): Buffer {
  const header = new ByteWriter()
    .u8(1, 1, 1) // minimum_instruction_length, maximum_operations_per_instruction, default_is_stmt
    .u8(-5, 14, STANDARD_ARGUMENTS.length + 1) // line_base and line_range of special opcodes, which are not used; opcode_base
    .u8(...STANDARD_ARGUMENTS)
    .string(folder)
    .u8(0)
    .string(file)
    .uleb(1)
    .uleb(0)
    .uleb(0)
    .u8(0);
  const content = new ByteWriter().u16(4).sized(header);
  for (const sequence of sequences) program(content, sequence);
  return new ByteWriter().sized(content).take();
}

function program(to: ByteWriter, { rows, end }: LineSequence): void {
  if (!rows.length) return;
  let { address } = rows[0];
  let line = 1;
  to.u8(0).uleb(9).u8(DW_LNE_set_address).u64(address);
  for (const row of rows) {
    to.u8(DW_LNS_advance_pc).uleb(Number(row.address - address));
    to.u8(DW_LNS_advance_line).sleb(row.line - line);
    to.u8(DW_LNS_copy);
    ({ address, line } = row);
  }
  to.u8(DW_LNS_advance_pc).uleb(Number(end - address));
  to.u8(0).uleb(1).u8(DW_LNE_end_sequence);
}
