import { decodeInsns } from "../../bpf/insn.ts";
import type { CaptureRecord, KernelRecord } from "../../src/import/capture/format.ts";
import { type Recognised, recognise } from "../../src/import/recognise/recognise.ts";
import type { Boot, GuestEvent } from "./boot.ts";

const CALL = 0x85;
const TAIL_CALL = 12;
/** Symbols that the reader may ask for whether or not an image refers to them. */
const WANTED =
  /^(__x86_(return_thunk|indirect_\w*|call_depth)|\w*(call_depth|retbleed|srso|its)_\w*thunk|clear_bhb_loop\w*|this_cpu_off|cpu_number|pcpu_hot|(const_)?current_task|__per_cpu_(offset|start|end)|_text|_stext|_etext|__bpf_call_base|bpf_dispatcher_nop_func|__bpf_tramp_(enter|exit)|__bpf_prog_(enter|exit)\w*|bpf_tail_call|arch_bpf_timed_may_goto|bpf_check_timed_may_goto|jiffies(_64)?|bpf_user_rnd_u32|bpf_get_raw_cpu_id|\w*(htab|array)_map_lookup_elem|migrate_(disable|enable))$/;

/** The kernel that a capture was made on: what the boot said of it, and what its images refer to. */
export function kernelRecord(
  variant: string,
  cpu: string,
  { events, symbols }: Boot,
  records: readonly CaptureRecord[],
): KernelRecord {
  const said = (ev: string): GuestEvent => events.find((event) => event.ev === ev) ?? { ev };
  const start = said("boot");
  const structs = (said("btf").structs ?? {}) as NonNullable<KernelRecord["btf"]>["structs"];
  const names = new Names(symbols);
  const images = records.flatMap(imagesOf);
  const base = names.address("__bpf_call_base") ?? 0n;
  return {
    variant,
    release: String(start.release),
    version: String(start.version),
    arch: String(start.machine),
    cpu,
    cmdline: String(start.cmdline),
    emulator: "QEMU TCG, 1 CPU",
    options: optionsOf(start, images, names),
    struct_offsets: offsetsOf(structs),
    bpf_call_base: hex(base),
    symbols: Object.fromEntries(
      symbols.filter(({ name }) => WANTED.test(name)).map(({ name, address }) => [name, hex(address)]),
    ),
    helper_targets: helpersOf(records, base, names),
    targets: targetsOf(images, records, names),
    btf: { present: Object.keys(structs).length > 0, structs },
  } as KernelRecord;
}

const hex = (value: bigint): string => BigInt.asUintN(64, value).toString(16);

/** Kernel symbols by address and by name. */
class Names {
  readonly #byAddress = new Map<bigint, string[]>();
  readonly #byName = new Map<string, bigint>();

  constructor(symbols: Boot["symbols"]) {
    for (const { name, address } of symbols) {
      this.#byAddress.set(address, [...(this.#byAddress.get(address) ?? []), name]);
      if (!this.#byName.has(name)) this.#byName.set(name, address);
    }
  }

  at(address: bigint): string[] {
    return this.#byAddress.get(address) ?? [];
  }

  address(name: string): bigint | undefined {
    return this.#byName.get(name);
  }
}

function imagesOf({ progs }: CaptureRecord): Recognised[] {
  return progs.flatMap(({ name, funcs }) =>
    funcs.map(({ addr, hex: bytes }, i) =>
      recognise(`${name}#${i}`, BigInt(`0x${addr}`), Uint8Array.from(Buffer.from(bytes, "hex"))),
    ),
  );
}

/** What shaped the code, read off the code and the CPU. */
function optionsOf(
  { cpuinfo, jit_enable, jit_harden }: GuestEvent,
  images: readonly Recognised[],
  names: Names,
): KernelRecord["options"] {
  const flags = /^flags\s*:(.*)$/m.exec(String(cpuinfo))?.[1].split(" ") ?? [];
  const jumps = (kind: "return" | "thunk"): string[] => [
    ...new Set(
      images.flatMap(({ leaving }) =>
        leaving.filter((way) => way.kind === kind).map(({ to }) => names.at(to)[0] ?? hex(to)),
      ),
    ),
  ];
  const has = (pattern: RegExp): boolean =>
    images.some(({ pieces }) => pieces.pieces.some((piece) => pattern.test(piece.hex)));
  const lfence = images.some(({ bytes }) => Buffer.from(bytes).includes(Buffer.from("0faee8ffe1", "hex")));
  const [thunk] = jumps("return");
  return {
    jit_enable: Number(jit_enable),
    jit_harden: Number(jit_harden),
    cpu_bmi2: flags.includes("bmi2"),
    cpu_la57: flags.includes("la57"),
    endbr_in_prologue: images.some(({ prologue }) => prologue?.ibt),
    return: thunk ? `jmp ${thunk}` : "ret ; int3",
    indirect_jump_targets: jumps("thunk"),
    indirect_jumps_inline: lfence ? { "lfence ; jmp rcx": 1 } : {},
    call_depth_tracking: has(/^6548c13[cd]/),
  } as KernelRecord["options"];
}

function offsetsOf(
  structs: Record<string, { members: Record<string, number | string> }>,
): KernelRecord["struct_offsets"] {
  const wanted: [string, string][] = [
    ["bpf_map", "max_entries"],
    ["bpf_array", "ptrs"],
    ["bpf_array", "value"],
    ["bpf_prog", "bpf_func"],
  ];
  return Object.fromEntries(
    wanted.flatMap(([struct, member]) => {
      const offset = structs[struct]?.members[member];
      return offset === undefined ? [] : [[`${struct}.${member}`, offset]];
    }),
  );
}

/** Helpers by address: imm of a call is the distance from __bpf_call_base. */
function helpersOf(records: readonly CaptureRecord[], base: bigint, names: Names): KernelRecord["helper_targets"] {
  const found: KernelRecord["helper_targets"] = {};
  for (const { progs } of records)
    for (const { xlated } of progs)
      for (const { code, src, imm } of decodeInsns(Buffer.from(xlated, "hex")))
        if (code === CALL && src !== 1 && imm !== TAIL_CALL)
          found[hex(base + BigInt(imm))] ??= { imm, names: names.at(BigInt.asUintN(64, base + BigInt(imm))) };
  return found;
}

/** Everything outside of its set that an image refers to, by the way it does. */
function targetsOf(
  images: readonly Recognised[],
  records: readonly CaptureRecord[],
  names: Names,
): KernelRecord["targets"] {
  const own = new Set(records.flatMap(({ refs = {} }) => Object.keys(refs)));
  const targets: KernelRecord["targets"] = { call: {}, jmp: {}, imm64: {} };
  const add = (kind: string, address: bigint): void => {
    const known = names.at(address);
    if (known.length && !own.has(hex(address))) targets[kind][hex(address)] ??= known;
  };
  for (const { leaving, constants, data } of images) {
    for (const { kind, to } of leaving) add(kind === "call" ? "call" : "jmp", to);
    for (const address of [...constants, ...data.map((item) => item.address)]) add("imm64", address);
  }
  return targets;
}
