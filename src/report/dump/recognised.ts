import type { RecognisedKernel } from "../../import/recognise/profiles.ts";
import type { Prologue } from "../../import/recognise/prologue.ts";
import type { Leaving, Recognised } from "../../import/recognise/recognise.ts";
import type { FoundTailCall } from "../../import/recognise/tail-calls.ts";

const ERAS: Record<Prologue["era"], string> = {
  pointer: "rax carries a pointer to the count",
  value: "eax carries the count",
  "pushed-slot": "the count in the shared frame, patch sites",
  "short-slot": "the count in the shared frame",
  "fixed-slot": "the count in a fixed slot",
};

const ROLES: Record<Prologue["role"], string> = {
  counts: "a count begins here",
  "hands-on": "a subprogram that hands the count on",
  "no-tail-calls": "no tail call is reachable",
  classic: "from classic BPF, no count",
  "exception-callback": "an exception callback",
};

/** How a line names an address outside the dump. */
export type NameOf = (address: bigint) => string | undefined;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const at = (offset: number): string => `+${hex(offset)}`;

/** What is known of the kernel, a line. */
export function kernelText(kernel: RecognisedKernel | undefined): string {
  if (!kernel) return "no prologue of a kernel's JIT is recognised";
  return `prologue of Linux ${kernel.releases}: ${ERAS[kernel.era]}`;
}

/** What a function's bytes tell, a line each. */
export function recognisedText(found: Recognised, nameOf: NameOf): string[] {
  const { prologue, tailCalls, leaving } = found;
  const lines: [string, string][] = [];
  if (!prologue) lines.push(["prologue", "not recognised"]);
  else {
    lines.push(["prologue", prologueText(prologue)]);
    if (prologue.landing !== undefined && prologue.role !== "exception-callback")
      lines.push(["landing", `${at(prologue.landing)}${prologue.ibt ? ", an endbr64" : ""}`]);
    if (prologue.patchSite !== undefined) lines.push(["patch site", patchText(found, nameOf)]);
  }
  for (const site of tailCalls) lines.push(["tail call", tailCallText(found, site, nameOf)]);
  const sites = new Set([prologue?.patchSite, ...tailCalls.map(({ target }) => target)]);
  for (const [text, offsets] of grouped(
    leaving.filter((way) => !sites.has(way.at)),
    nameOf,
  ))
    lines.push(["leaves", `${offsets.map(at).join(" ")}  ${text}`]);
  return lines.map(([label, text]) => `${label.padEnd(10)}  ${text}`);
}

function prologueText({ era, role, depth, saved, ibt, preamble, privateStack, trampoline }: Prologue): string {
  const parts = [
    era === "pointer" || era === "value" || role === "counts" ? ROLES[role] : "",
    `${depth} bytes of stack`,
    saved.length ? `saves ${saved.join(" ")}` : "saves no register",
    preamble ? `${preamble} in front` : ibt ? "endbr64" : "",
    privateStack === undefined ? "" : `private stack at per-CPU ${hex(privateStack)}`,
    trampoline === undefined ? "" : "a trampoline is attached",
  ];
  return parts.filter(Boolean).join(", ");
}

function patchText({ address, prologue }: Recognised, nameOf: NameOf): string {
  const { patchSite, trampoline } = prologue!;
  if (trampoline === undefined) return at(patchSite!);
  const to = BigInt.asUintN(64, address + BigInt(trampoline));
  return `${at(patchSite!)}, goes to ${nameOf(to) ?? hex(to)}, which is left out`;
}

function tailCallText({ address }: Recognised, site: FoundTailCall, nameOf: NameOf): string {
  const { kind, start, out, limit, bypass, target, callee, offsets } = site;
  const where = `${kind}, ${at(start)} to ${at(out)}, up to ${limit}`;
  if (kind === "indirect")
    return offsets
      ? `${where}, max_entries at ${offsets.maxEntries}, ptrs at ${offsets.ptrs}, bpf_func at ${offsets.bpfFunc}`
      : where;
  const goes =
    callee === undefined
      ? "the slot is empty"
      : `to ${nameOf(BigInt.asUintN(64, address + BigInt(callee))) ?? hex(BigInt.asUintN(64, address + BigInt(callee)))}`;
  return `${where}${bypass === undefined ? "" : `, bypass ${at(bypass)}`}, target ${at(target!)}: ${goes}`;
}

const KINDS: Record<Leaving["kind"], string> = {
  call: "call",
  return: "jump in place of ret",
  thunk: "jump through a thunk",
  jump: "jump",
};

function grouped(leaving: readonly Leaving[], nameOf: NameOf): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const { at: offset, to, kind, register } of leaving) {
    const text = `${KINDS[kind]}${register ? ` to *%${register}` : ""} ${nameOf(to) ?? hex(to)}`;
    groups.set(text, [...(groups.get(text) ?? []), offset]);
  }
  return groups;
}
