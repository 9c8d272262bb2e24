import type { Image } from "../../../bpf/image.ts";
import type { ProgramSet } from "../../../bpf/program.ts";
import type { Machine } from "../../../emulator/machine.ts";
import { decodeTable } from "../x86/decode.ts";
import type { CapturedFunction, CaptureRecord } from "./format.ts";
import { standIn } from "./stand-in.ts";

const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const address = (text: string): bigint => BigInt(`0x${text}`);

/** X86_PATCH_SIZE: a call or a jump */
const PATCH_SIZE = 5;

/** Active trampolines, stand-ins for those whose images the kernel hides, and the calls of them at their targets' patch sites. */
export function placeTrampolines(machine: Machine, set: ProgramSet, record: CaptureRecord): void {
  for (const trampoline of record.trampolines ?? [])
    if (trampoline.active)
      machine.place(trampolineImage(trampoline.name, address(trampoline.addr), fromHex(trampoline.hex)));
  if (!set.programs.some(({ attach }) => attach)) return;
  for (const { name, funcs } of record.progs)
    for (const [func, captured] of funcs.entries()) {
      const patched = patchedSite(machine, captured);
      if (!patched) continue;
      const { placed, site, bytes } = patched;
      const resume = placed.image.address + BigInt(site + bytes.length);
      const target = BigInt.asUintN(64, resume + BigInt(Buffer.from(bytes).readInt32LE(1)));
      if (!machine.functions.some(({ image }) => image.address === target)) {
        const code = standIn({ prog: name, func, address: target, resume }, set, record);
        machine.place(trampolineImage("bpf_trampoline (stand-in)", target, code));
      }
      machine.attach(placed, site, bytes);
    }
}

/** A patch site as the capture has it after attaching, when there is a trampoline in it. */
function patchedSite(machine: Machine, captured: CapturedFunction) {
  const placed = machine.functions.find(({ image }) => image.address === address(captured.addr));
  const site = placed?.image.patchSite;
  if (!placed || site === undefined || !captured.hex_final) return undefined;
  const bytes = fromHex(captured.hex_final).subarray(site, site + PATCH_SIZE);
  return bytes[0] === 0xe8 || bytes[0] === 0xe9 ? { placed, site, bytes } : undefined;
}

function trampolineImage(name: string, at: bigint, bytes: Uint8Array): Image {
  const table = decodeTable(bytes);
  return {
    name,
    address: at,
    bytes,
    entry: 0,
    body: bytes.length,
    ends: Int32Array.of(bytes.length),
    ...table,
    notes: new Map(),
    tailCalls: [],
    pokes: [],
    extable: [],
    epilogue: bytes.length,
    passes: [],
  };
}
