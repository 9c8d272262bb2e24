import {
  FLOW_CALL,
  FLOW_DIRECT,
  FLOW_INDIRECT,
  FLOW_RET,
  type InsnFlags,
  OWN_STORE,
  STACK_PUSH,
  STACK_UP,
} from "../bpf/image.ts";
import {
  MARK_BY_DIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_INDIRECT,
  MARK_INSN,
  MARK_OWN_STORE,
  MARK_PUSH,
  MARK_RET,
  MARK_SP_UP,
} from "./engine.ts";

/** Code with its instruction table. */
export interface MarkedCode {
  bytes: Uint8Array;
  starts: ArrayLike<number>;
  flags: ArrayLike<InsnFlags>;
}

/** The engine's mark of one instruction. */
export function markOf(flags: InsnFlags): number {
  let mark = MARK_INSN;
  if (flags & FLOW_DIRECT) mark |= MARK_DIRECT;
  if (flags & FLOW_INDIRECT) mark |= MARK_INDIRECT;
  if (flags & FLOW_RET) mark |= MARK_RET;
  if (flags & STACK_PUSH) mark |= MARK_PUSH;
  if (flags & STACK_UP) mark |= MARK_SP_UP;
  if (flags & OWN_STORE) mark |= MARK_OWN_STORE;
  return mark;
}

/** Marks for every byte of the code: instructions, targets of its direct jumps inside itself, and return sites. */
export function marksOf(code: MarkedCode): Uint32Array {
  const { bytes, starts, flags } = code;
  const marks = new Uint32Array(bytes.length);
  for (let i = 0; i < starts.length; i++) marks[starts[i]] |= markOf(flags[i]);
  for (let i = 0; i < starts.length; i++) {
    const next = i + 1 < starts.length ? starts[i + 1] : bytes.length;
    if (flags[i] & FLOW_CALL && next < bytes.length) marks[next] |= MARK_BY_RET;
    if (!(flags[i] & FLOW_DIRECT)) continue;
    const target = jumpTarget(bytes, starts[i], next);
    if (target !== undefined && target >= 0 && target < bytes.length) marks[target] |= MARK_BY_DIRECT;
  }
  return marks;
}

/** Offset that the direct jump or call at [start, next) goes to; undefined when it is none (a patch site's nop). */
export function jumpTarget(bytes: Uint8Array, start: number, next: number): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const opcode = bytes[start];
  if (opcode === 0xe9 || opcode === 0xe8) return next + view.getInt32(start + 1, true);
  if (opcode === 0x0f && (bytes[start + 1] & 0xf0) === 0x80) return next + view.getInt32(start + 2, true);
  if (opcode === 0xeb || (opcode & 0xf0) === 0x70) return next + view.getInt8(start + 1);
  return undefined;
}
