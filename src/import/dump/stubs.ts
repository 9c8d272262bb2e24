import type { Image } from "../../../bpf/image.ts";
import type { Machine } from "../../../emulator/machine.ts";
import type { World } from "../../runner/build.ts";
import { imageOf, type Recognised, recognise } from "../recognise/recognise.ts";

/** Programs that direct tail calls jump to and that are not in the dump: begun as their callers are, they return at once. */
export function placeCallees(machine: Machine, functions: readonly Recognised[], found: Recognised): void {
  const { address, tailCalls, prologue } = found;
  if (!prologue || prologue.landing === undefined) return;
  for (const { callee } of tailCalls) {
    if (callee === undefined) continue;
    const landing = BigInt.asUintN(64, address + BigInt(callee));
    if (machine.functionAt(landing) || functions.some((fn) => fn.address === landing)) continue;
    machine.place(stub(found, landing));
  }
}

/** The frame's beginning up to where tail calls land, then: xor eax, eax; leave; ret. Older frames are undone by their own epilogue. */
function stub({ bytes, pieces, prologue, epilogue }: Recognised, landing: bigint): Image {
  const { entry, landing: offset = 0, patchSite } = prologue!;
  const head = bytes.subarray(entry, offset);
  const pad = prologue!.ibt ? [0xf3, 0x0f, 0x1e, 0xfa] : [];
  const fresh = prologue!.era === "pointer" || prologue!.era === "value";
  const undo = pieces.pieces.filter(({ at }) => at >= epilogue).map(({ hex }) => hex);
  const tail = fresh ? ["31c0", "c9", "c3"] : ["31c0", ...undo.slice(0, undo.indexOf("c9") + 1), "c3"];
  const code = Uint8Array.from([...head, ...pad, ...Buffer.from(tail.join(""), "hex")]);
  const at = landing - BigInt(head.length);
  if (patchSite !== undefined) code.set([0x0f, 0x1f, 0x44, 0, 0], patchSite - entry);
  const name = `(callee at 0x${at.toString(16)})`;
  return imageOf({
    ...recognise(name, at, code),
    prologue: {
      ...prologue!,
      entry: 0,
      landing: head.length,
      body: head.length + pad.length,
      ...(patchSite === undefined ? {} : { patchSite: patchSite - entry }),
    },
  });
}

/** Bytes between a function and what calls it in place of a program that is not in the dump. */
const APART = 0x100000n;

/** A main program that does nothing but call a subprogram, which cannot be entered without a count. Returns where it is entered. */
export function placeCaller({ session }: Pick<World, "session">, { address, prologue, name }: Recognised): bigint {
  const { machine } = session;
  const endbr = prologue!.ibt ? "f30f1efa" : "";
  const count = prologue!.era === "pointer" ? "4831c0" : "31c0";
  const keep = prologue!.era === "pointer" ? "4883f8217706504889e0eb015050488b85f0ffffff" : "50488b85f8ffffff";
  const head = Buffer.from(`${endbr}0f1f440000${count}554889e5${endbr}${keep}`, "hex");
  const at = address + APART;
  const call = Buffer.alloc(5, 0xe8);
  call.writeInt32LE(Number(address + BigInt(prologue!.entry) - (at + BigInt(head.length + call.length))), 1);
  const code = Uint8Array.from([...head, ...call, 0xc9, 0xc3]);
  return machine.place(imageOf(recognise(`(a caller of ${name})`, at, code))).entry;
}
