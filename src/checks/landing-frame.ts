import { type Image, STACK_PUSH } from "../../bpf/image.ts";

const PUSH_RBP = 0x55;

/**
 * Does a tail call land where nothing but rbp has been pushed (5.10 and later)? Then it hands over its own frame's beginning,
 * and every register that it saved; before, the callee goes on in the frame that the caller built.
 */
export function landsInFreshFrame({ bytes, starts, flags, entry, landing }: Image): boolean {
  if (landing === undefined) return false;
  let pushed = false;
  for (let i = 0; i < starts.length && starts[i] < landing; i++) {
    if (starts[i] < entry) continue;
    if (isSubRsp(bytes, starts[i])) return false;
    if (!(flags[i] & STACK_PUSH)) continue;
    if (pushed || bytes[starts[i]] !== PUSH_RBP) return false;
    pushed = true;
  }
  return pushed;
}

/** sub rsp, imm32 (48 81 ec) or imm8 (48 83 ec) */
const isSubRsp = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x48 && (bytes[at + 1] === 0x81 || bytes[at + 1] === 0x83) && bytes[at + 2] === 0xec;
