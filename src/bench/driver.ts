import type { Image } from "../../bpf/image.ts";
import type { Machine } from "../../emulator/machine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { decodeTable } from "../import/x86/decode.ts";

/** `call` in the bytes below: offset of its rel32, and of what follows it */
const CALL = 20;
const BEHIND_CALL = 24;

/** A kernel function that calls a program over and over, as bpf_test_run() does: rdi is the context. */
function bytesOf(times: number): Uint8Array {
  const bytes = Uint8Array.from(
    Buffer.from(
      [
        "55", // push rbp
        "4889e5", // mov rbp, rsp
        "53", // push rbx
        "4154", // push r12
        "4989fc", // mov r12, rdi
        "bb00000000", // mov ebx, times
        "4c89e7", // again: mov rdi, r12
        "90", // nop
        "e800000000", // call the program
        "ffcb", // dec ebx
        "75f3", // jne again
        "415c", // pop r12
        "5b", // pop rbx
        "5d", // pop rbp
        "c3", // ret
      ].join(""),
      "hex",
    ),
  );
  new DataView(bytes.buffer).setUint32(11, times, true);
  return bytes;
}

/** Put it on a machine, watched like a function of a program. */
export function placeDriver(machine: Machine, entry: bigint, times: number): PlacedFunction {
  const bytes = bytesOf(times);
  const address = machine.allocateCode(bytes.length);
  new DataView(bytes.buffer).setInt32(CALL, Number(entry - (address + BigInt(BEHIND_CALL))), true);
  const image: Image = {
    name: "bpf_test_run",
    address,
    bytes,
    entry: 0,
    body: bytes.length,
    ends: Int32Array.of(bytes.length),
    ...decodeTable(bytes),
    notes: new Map(),
    tailCalls: [],
    pokes: [],
    extable: [],
    epilogue: bytes.length,
    passes: [],
  };
  return machine.place(image);
}
