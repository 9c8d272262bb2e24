import type { UnwindRow } from "../../runner/unwind.ts";
import { ByteWriter } from "./bytes.ts";

/** DWARF's numbers of x86-64's registers, by the machine's: rax rcx rdx rbx rsp rbp rsi rdi r8..r15. */
export const DWARF_REGISTERS = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15] as const;
const RBP = 6;
const RSP = 7;
const RETURN_ADDRESS = 16;
/** rax rdx rcx rsi rdi r8..r11: a callee need not keep them */
const SCRATCH = [0, 1, 2, 4, 5, 8, 9, 10, 11];

const DW_CFA_advance_loc4 = 4;
const DW_CFA_undefined = 7;
const DW_CFA_def_cfa = 0x0c;
const DW_CFA_offset = 0x80;
const DW_CFA_restore = 0xc0;
const CIE = 0xffffffff;

/** How callers are found from a range of addresses. */
export interface FrameRange {
  start: bigint;
  size: number;
  /** none: nobody called this */
  rows: readonly (Omit<UnwindRow, "above"> & { above: number })[];
  /** callee-saved registers, by DWARF number, and how many bytes below the CFA they lie from `from` on */
  saved: readonly { register: number; below: number }[];
  from: number;
}

/** .debug_frame: where the caller's registers are, instruction by instruction. */
export function debugFrame(ranges: readonly FrameRange[]): Buffer {
  const out = new ByteWriter();
  const cie = new ByteWriter().u32(CIE).u8(1).string("").uleb(1).sleb(-8).u8(RETURN_ADDRESS);
  cie.u8(DW_CFA_def_cfa).uleb(RSP).uleb(8);
  cie.u8(DW_CFA_offset | RETURN_ADDRESS).uleb(1);
  for (const register of SCRATCH) cie.u8(DW_CFA_undefined).uleb(register);
  out.sized(padded(cie));
  for (const range of ranges) out.sized(padded(frameOf(range)));
  return out.take();
}

/** Entries are multiples of 8 bytes; DW_CFA_nop is 0. */
const padded = (entry: ByteWriter): ByteWriter => {
  while ((entry.length + 4) % 8) entry.u8(0);
  return entry;
};

function frameOf({ start, size, rows, saved, from }: FrameRange): ByteWriter {
  const fde = new ByteWriter().u32(0).u64(start).u64(BigInt(size));
  if (!rows.length) return fde.u8(DW_CFA_undefined).uleb(RETURN_ADDRESS);
  let at = 0;
  const advance = (offset: number): void => {
    if (offset > at) fde.u8(DW_CFA_advance_loc4).u32(offset - at);
    at = offset;
  };
  const changes = [
    ...rows.map((row) => ({ offset: row.offset, write: () => writeRow(fde, row) })),
    {
      offset: from,
      write: () => {
        for (const { register, below } of saved) fde.u8(DW_CFA_offset | register).uleb(below / 8);
      },
    },
  ];
  for (const { offset, write } of changes.sort((a, b) => a.offset - b.offset)) {
    if (offset >= size) continue;
    advance(offset);
    write();
  }
  return fde;
}

function writeRow(to: ByteWriter, { base, above, saved }: FrameRange["rows"][number]): void {
  to.u8(DW_CFA_def_cfa)
    .uleb(base === "rbp" ? RBP : RSP)
    .uleb(above);
  if (saved) to.u8(DW_CFA_offset | RBP).uleb(2);
  else to.u8(DW_CFA_restore | RBP);
}
