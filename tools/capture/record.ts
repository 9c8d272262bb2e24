import { decodeInsns, encodeInsns, INSN_SIZE } from "../../bpf/insn.ts";
import type {
  CapturedFunction,
  CapturedProgram,
  CaptureRecord,
  ProgramsRecord,
  RunRecord,
} from "../../src/import/capture/format.ts";
import { takeApart } from "../../src/import/recognise/code.ts";
import { readPrologue } from "../../src/import/recognise/prologue.ts";
import type { GuestEvent } from "./boot.ts";

const CALL = 0x85;
const LD_IMM64 = 0x18;
const PSEUDO_MAP = 1;
const PSEUDO_MAP_VALUE = 2;
const PSEUDO_FUNC = 4;
const PSEUDO_CALL = 1;

interface Image {
  when: "loaded" | "final";
  prog: string;
  jited_len: number;
  funcs: { addr: string; hex: string }[];
  xlated?: string;
}

/** What one kernel made of a set, of the events that tell of it; a text: why the kernel refused it. */
export function captureRecord(source: ProgramsRecord, events: readonly GuestEvent[]): CaptureRecord | string {
  const of = (ev: string): GuestEvent[] => events.filter((event) => event.ev === ev);
  const refused = of("load").find(({ errno }) => errno !== 0);
  if (refused) return `${refused.prog}: errno ${refused.errno} ${String(refused.log ?? "").trim()}`.trim();
  const [addresses] = of("addresses");
  const images = of("image") as unknown as Image[];
  const [{ maps: ids }] = of("maps") as unknown as { maps: Record<string, number> }[];
  const progs = source.progs.map(({ name, type }) => {
    const at = (when: Image["when"]): Image | undefined =>
      images.find((image) => image.prog === name && image.when === when);
    const load = of("load").find((event) => event.prog === name);
    return program(name, type, at("loaded"), at("final"), String(load?.stack_depth ?? ""), ids, source);
  });
  const slots = of("slot");
  return {
    set: source.set,
    family: source.family,
    maps: (addresses?.maps ?? {}) as CaptureRecord["maps"],
    progs,
    refs: references(progs, (addresses?.maps ?? {}) as CaptureRecord["maps"]),
    runs: of("run").map(runOf),
    ...(slots.length ? { errors: slots.map(({ ev, i, errno }) => ({ ev, i, errno })) } : {}),
  };
}

function program(
  name: string,
  type: number,
  loaded: Image | undefined,
  final: Image | undefined,
  depths: string,
  ids: Record<string, number>,
  source: ProgramsRecord,
): CapturedProgram {
  const { xlated, map_refs, starts, insns } = behindVerifier(loaded?.xlated ?? "", ids, source);
  const stack_depth = depths ? depths.split("+").map(Number) : [];
  const images = loaded?.funcs ?? [];
  const hidden = starts.length === images.length && throws(source, name) && endsInCallback(xlated) ? CALLBACK_INSNS : 0;
  return {
    name,
    type,
    jited: (loaded?.jited_len ?? 0) > 0,
    ...(stack_depth.length ? { stack_depth } : {}),
    xlated,
    ...(map_refs.length ? { map_refs } : {}),
    ...(hidden ? { hidden_tail_insns: hidden } : {}),
    funcs: images.map(({ addr, hex }, i): CapturedFunction => {
      const end = starts[i + 1] ?? insns - hidden;
      const later = final?.funcs[i]?.hex;
      return {
        start: starts[i],
        insns: end - starts[i],
        ...(stack_depth[i] === undefined ? {} : { stack_depth: stack_depth[i] }),
        addr,
        len: hex.length / 2,
        hex,
        ...(later !== undefined && later !== hex ? { hex_final: later } : {}),
      };
    }),
  };
}

/** The default exception callback, which the kernel appends and whose image it does not show: r0 = r1; exit. */
const CALLBACK = "bf100000000000009500000000000000";
const CALLBACK_INSNS = 2;
const endsInCallback = (xlated: string): boolean => xlated.endsWith(CALLBACK);
const throws = ({ progs }: ProgramsRecord, name: string): boolean =>
  progs.some(
    (prog) => prog.name === name && prog.relocs?.some((reloc) => "kfunc" in reloc && reloc.kfunc === "bpf_throw"),
  );

/** Map ids become indexes of the set's maps; functions begin where calls and function pointers lead. */
function behindVerifier(hex: string, ids: Record<string, number>, { maps }: ProgramsRecord) {
  const insns = decodeInsns(Buffer.from(hex, "hex"));
  const map_refs: NonNullable<CapturedProgram["map_refs"]> = [];
  const starts = new Set([0]);
  for (let i = 0; i < insns.length; i++) {
    const { code, src, off, imm } = insns[i];
    if (code === CALL && src === PSEUDO_CALL) starts.add(i + 1 + off);
    if (code !== LD_IMM64) continue;
    if (src === PSEUDO_FUNC) starts.add(i + 1 + imm);
    if (src === PSEUDO_MAP || src === PSEUDO_MAP_VALUE) {
      const map = Object.keys(ids).find((name) => ids[name] === imm) ?? `id${imm}`;
      const kind = src === PSEUDO_MAP ? "map" : "value";
      map_refs.push({ insn: i, map, kind, ...(kind === "value" ? { off: insns[i + 1].imm } : {}) });
      insns[i].imm = maps.findIndex(({ name }) => name === map);
    }
    i++;
  }
  return {
    xlated: Buffer.from(encodeInsns(insns)).toString("hex"),
    map_refs,
    starts: [...starts].sort((a, b) => a - b),
    insns: hex.length / 2 / INSN_SIZE,
  };
}

/** Names of the addresses of the set's own objects. */
function references(progs: readonly CapturedProgram[], maps: CaptureRecord["maps"]): Record<string, string> {
  const refs: Record<string, string> = {};
  for (const [name, { addr, value }] of Object.entries(maps)) {
    refs[addr] = `${name}.map`;
    if (value !== undefined) refs[value] = `${name}.value+0`;
  }
  for (const { name, funcs } of progs)
    funcs.forEach(({ addr, hex }, i) => {
      refs[addr] = `${name}#${i}+0`;
      const top = readPrologue(takeApart(Buffer.from(hex, "hex")))?.privateStack;
      if (top !== undefined) refs[top.toString(16)] = `${name}#${i}.priv_stack`;
    });
  return refs;
}

function runOf({ prog, retval, errno, data_out, maps }: GuestEvent): RunRecord {
  return {
    prog: String(prog),
    retval: Number(retval),
    ...(errno ? { errno: Number(errno) } : {}),
    ...(data_out === undefined ? {} : { data_out: String(data_out) }),
    maps: maps as RunRecord["maps"],
  };
}
