import { type Image, slotAt } from "../../bpf/image.ts";
import type { Insn } from "../../bpf/insn.ts";
import { disassemble } from "../import/x86/disassemble.ts";
import { encodingOf } from "./encoding.ts";
import type { Spot } from "./operators/operator.ts";
import { placeOf } from "./place.ts";

/** A machine instruction of a function, and the site of the JIT that emitted it: `place: form`, the same in every program. */
export interface SiteAt {
  site: string;
  spot: Spot;
}

/** In these the design chooses the registers, elsewhere the program does. */
const FIXED = /^(prologue|tail call|exit|call)/;

const REGISTER = /%(r[a-ds][xip]|r[sb]p|r\d+)\b/g;
const REGISTER32 = /%(e[a-ds][xip]|ebp|r\d+d)\b/g;
const REGISTER16 = /%([a-d]x|[sd]i|bp|r\d+w)\b/g;
const REGISTER8 = /%([a-d][lh]|[sd]il|bpl|r\d+b)\b/g;

/** The instruction without what differs from program to program. */
function formOf(text: string, place: string): string {
  const bare = text.replace(/-?0x[0-9a-f]+/g, "N").replace(/-?\b\d+\b(?=\()/g, "N");
  if (FIXED.test(place)) return bare;
  return bare.replace(REGISTER32, "r32").replace(REGISTER16, "r16").replace(REGISTER8, "r8").replace(REGISTER, "r64");
}

/** Every machine instruction of a function that is understood. `insns`: its BPF instructions as the verifier left them. */
export function sitesOf(image: Image, insns: readonly Insn[], forms: Map<string, string>): SiteAt[] {
  const sites: SiteAt[] = [];
  const seen = new Map<string, number>();
  let slot = -2;
  for (const [index, offset] of image.starts.entries()) {
    const end = image.starts[index + 1] ?? image.bytes.length;
    const now = slotAt(image, offset);
    if (now !== slot) seen.clear();
    slot = now;
    const place = slot < 0 ? "prologue" : placeOf(insns[slot]);
    const encoding = encodingOf(image.bytes.slice(offset, end));
    if (!encoding) continue;
    const form = described(encoding, place, forms);
    const count = (seen.get(form) ?? 0) + 1;
    seen.set(form, count);
    const next = image.starts[index + 2];
    sites.push({
      site: `${place}: ${form}${count > 1 ? ` #${count}` : ""}`,
      spot: {
        ...encoding,
        offset,
        starts: image.starts,
        index,
        ...(next === undefined ? {} : { next: image.bytes.slice(end, next) }),
      },
    });
  }
  return sites;
}

/** The form, and the opcode, as several have the same words. */
function described(
  { bytes, opcode, rel }: Spot | (ReturnType<typeof encodingOf> & {}),
  place: string,
  forms: Map<string, string>,
): string {
  const shown = rel ? bytes.slice().fill(0, rel.at, rel.at + rel.bytes) : bytes;
  const key = `${place}|${Buffer.from(shown).toString("hex")}`;
  let form = forms.get(key);
  if (form === undefined) {
    const text = disassemble(shown, 0n)[0].text;
    form = `${formOf(text, place)} (${bytes[opcode].toString(16).padStart(2, "0")})`;
    forms.set(key, form);
  }
  return form;
}
