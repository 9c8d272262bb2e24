import { FormatError, Reader } from "../../../bpf/reader.ts";
import { type Dump, type DumpedFunction, MOST_CODE } from "./dump.ts";

/** "JiTD" as a little-endian u32, and as a big-endian machine writes it. */
const MAGIC = 0x4a695444;
const MAGIC_SWAPPED = 0x4454694a;
const HEADER = 40;
const RECORD = 16;
const EM_X86_64 = 62;
const JIT_CODE_LOAD = 0;
const JIT_CODE_MOVE = 1;
const JIT_CODE_CLOSE = 3;
const LAST_KNOWN = 4;

/** Whether a file begins like perf's jitdump, on a machine of either byte order. */
export function isJitdump(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const magic = new Reader(bytes, "the file").u32(0);
  return magic === MAGIC || magic === MAGIC_SWAPPED;
}

/**
 * perf's jitdump, as user-space JITs write it (tools/perf/Documentation/jitdump-specification.txt): every function that was loaded, where it
 * was moved to last. Throws FormatError.
 */
export function parseJitdump(bytes: Uint8Array): Dump {
  const reader = new Reader(bytes, "the jitdump");
  if (reader.u32(0) === MAGIC_SWAPPED)
    reader.fail("is big-endian: it was written on such a machine; expected a little-endian one", 0);
  const version = reader.u32(4);
  if (version < 1 || version > 2) reader.fail(`is of version ${version}; expected 1 or 2`, 4);
  const machine = reader.u32(12);
  if (machine !== EM_X86_64) reader.fail(`is of ELF machine ${machine}; expected 62, x86-64`, 12);
  const functions = new Map<bigint, DumpedFunction>();
  let at = reader.u32(8);
  if (at < HEADER) reader.fail(`the header has ${at} bytes; expected ${HEADER}`, 8);
  let total = 0;
  while (at < bytes.length) {
    const id = reader.u32(at);
    const size = reader.u32(at + 4);
    if (id > LAST_KNOWN) reader.fail(`record type ${id} is unknown`, at);
    if (size < RECORD) reader.fail(`a record of ${size} bytes; expected at least ${RECORD}`, at + 4);
    const record = new Reader(reader.slice(at, size), `the jitdump's record at byte ${at}`);
    if (id === JIT_CODE_CLOSE) break;
    if (id === JIT_CODE_LOAD) {
      const { index, found } = load(record);
      total += found.bytes.length;
      if (total > MOST_CODE) record.fail(`more than ${MOST_CODE} bytes of code`);
      functions.set(index, found);
    } else if (id === JIT_CODE_MOVE) {
      const moved = functions.get(record.u64(48)) ?? record.fail("moves a function that was never loaded", 48);
      moved.address = record.u64(32);
    }
    at += size;
  }
  if (!functions.size) throw new FormatError("the jitdump", "has no function (JIT_CODE_LOAD)");
  return { format: "perf's jitdump", functions: [...functions.values()], bpf: [], notes: [] };
}

/** pid, tid, vma, code_addr, code_size, code_index, name, NUL, code */
function load(record: Reader): { index: bigint; found: DumpedFunction } {
  const address = record.u64(32);
  const size = record.size(40);
  const name = record.text(56);
  const code = 56 + new TextEncoder().encode(name).length + 1;
  if (size === 0 || size > MOST_CODE) record.fail(`a function of ${size} bytes`, 40);
  const bytes = record.slice(record.length - size, size).slice();
  if (record.length - size < code) record.fail(`${size} bytes of code do not fit behind the name`, 40);
  return { index: record.u64(48), found: { name, address, bytes } };
}
