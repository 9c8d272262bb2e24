import type { Instruction } from "iced-x86";
import {
  FLOW_CALL,
  FLOW_DIRECT,
  FLOW_INDIRECT,
  FLOW_RET,
  type InsnFlags,
  OWN_STORE,
  STACK_PUSH,
  STACK_UP,
} from "../../../bpf/image.ts";
import { iced } from "./iced.ts";

/** Where the instructions of some machine code start, and what each does to control and stack. */
export interface InsnTable {
  starts: number[];
  flags: InsnFlags[];
}

/**
 * Decode from the first byte on. `bad` is the offset of the first byte that is no instruction, or of one that is cut off;
 * decoding ends there.
 */
export function decodeTable(bytes: Uint8Array): InsnTable & { bad?: number } {
  const { Decoder, DecoderOptions, Instruction } = iced();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const insn = new Instruction();
  const table: InsnTable & { bad?: number } = { starts: [], flags: [] };
  let previous = "";
  while (decoder.canDecode) {
    const at = decoder.position;
    decoder.decodeOut(insn);
    if (insn.isInvalid) {
      table.bad = at;
      break;
    }
    const own = ownStore(bytes, at, previous);
    table.starts.push(at);
    const returns = TO_STACK_TOP.test(previous) && bytes[at] === 0xc3;
    table.flags.push(returns ? FLOW_INDIRECT | STACK_UP : flagsOf(insn) | (own ? OWN_STORE : 0));
    previous = Buffer.from(bytes.subarray(at, at + insn.length)).toString("hex");
  }
  insn.free();
  decoder.free();
  return table;
}

function flagsOf(insn: Instruction): InsnFlags {
  const { FlowControl, Mnemonic, Register } = iced();
  let flags = stackFlags(insn, Mnemonic, Register);
  switch (insn.flowControl) {
    case FlowControl.UnconditionalBranch:
    case FlowControl.ConditionalBranch:
      flags |= FLOW_DIRECT;
      break;
    case FlowControl.IndirectBranch:
      flags |= FLOW_INDIRECT;
      break;
    case FlowControl.Call:
      flags |= FLOW_DIRECT | FLOW_CALL | STACK_PUSH;
      break;
    case FlowControl.IndirectCall:
      flags |= FLOW_INDIRECT | FLOW_CALL | STACK_PUSH;
      break;
    case FlowControl.Return:
      flags |= FLOW_RET | STACK_UP;
      break;
  }
  return flags;
}

function stackFlags(
  insn: Instruction,
  Mnemonic: ReturnType<typeof iced>["Mnemonic"],
  Register: ReturnType<typeof iced>["Register"],
): InsnFlags {
  if (insn.mnemonic === Mnemonic.Push) return STACK_PUSH;
  if (insn.mnemonic === Mnemonic.Pop || insn.mnemonic === Mnemonic.Leave) return STACK_UP;
  if (insn.op0Register !== Register.RSP) return 0;
  const raises = insn.mnemonic === Mnemonic.Add || insn.mnemonic === Mnemonic.Mov || insn.mnemonic === Mnemonic.Lea;
  return raises ? STACK_UP : 0;
}

/** mov [rsp], reg64: a ret behind it is a retpoline's jump to that register */
const TO_STACK_TOP = /^4[8c]89[0-3][4c]24$/;

/**
 * Stores of the JIT itself: by which it counts tail calls, `add qword [rax], 1` (48 83 00 01, 6.12 and later), and `mov [rbp-x], eax` (89 85,
 * before) right behind `add eax, 1` (83 c0 01); and by which a retpoline replaces its return address.
 */
function ownStore(bytes: Uint8Array, at: number, previous: string): boolean {
  if (bytes[at] === 0x48 && bytes[at + 1] === 0x83 && bytes[at + 2] === 0 && bytes[at + 3] === 1) return true;
  if (TO_STACK_TOP.test(Buffer.from(bytes.subarray(at, at + 4)).toString("hex"))) return true;
  return bytes[at] === 0x89 && bytes[at + 1] === 0x85 && previous === "83c001";
}
