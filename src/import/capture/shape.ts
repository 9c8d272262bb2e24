import * as v from "valibot";
import type { CaptureRecord, KernelRecord, ProgramsRecord } from "./format.ts";

const hex = v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/i, "expected pairs of hex digits"));
const address = v.pipe(v.string(), v.regex(/^[0-9a-f]{1,16}$/i, "expected a hex address"));
const integer = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(integer, v.minValue(0));
/** Bytes of a packet that BPF_PROG_TEST_RUN takes, and more. */
const packet = v.pipe(count, v.maxValue(0x10000));

const mapRef = v.object({
  insn: count,
  map: v.string(),
  kind: v.picklist(["map", "value"]),
  off: v.optional(integer),
});

const programs = v.object({
  set: v.string(),
  family: v.string(),
  flags: v.optional(v.array(v.string())),
  maps: v.array(v.object({ name: v.string(), type: count, key: count, value: count, max: count })),
  progs: v.array(
    v.object({
      name: v.string(),
      type: count,
      insns: hex,
      relocs: v.optional(
        v.array(
          v.union([
            mapRef,
            v.object({ insn: count, kfunc: v.string() }),
            v.object({ insn: count, field_offset: v.string() }),
          ]),
        ),
      ),
      btf_funcs: v.optional(
        v.array(
          v.object({
            name: v.string(),
            insn: count,
            nargs: v.optional(v.pipe(integer, v.minValue(-1))),
          }),
        ),
      ),
      attach: v.optional(v.object({ type: v.picklist(["fentry", "fexit"]), prog: v.string(), func: count })),
    }),
  ),
  slots: v.optional(v.array(v.object({ map: v.string(), idx: count, prog: v.string() }))),
  runs: v.optional(
    v.array(
      v.object({
        prog: v.string(),
        data_len: packet,
        init: v.array(v.object({ map: v.string(), idx: count, hex })),
      }),
    ),
  ),
});

const capture = v.object({
  set: v.string(),
  family: v.string(),
  maps: v.record(v.string(), v.object({ addr: address, value: v.optional(address) })),
  progs: v.array(
    v.object({
      name: v.string(),
      type: count,
      jited: v.boolean(),
      stack_depth: v.optional(v.array(count)),
      xlated: hex,
      map_refs: v.optional(v.array(mapRef)),
      probe_mem: v.optional(v.array(count)),
      hidden_tail_insns: v.optional(count),
      funcs: v.array(
        v.object({
          start: v.optional(count),
          insns: v.optional(count),
          stack_depth: v.optional(count),
          addr: address,
          len: count,
          hex,
          hex_final: v.optional(hex),
        }),
      ),
    }),
  ),
  refs: v.optional(v.record(v.string(), v.string())),
  trampolines: v.optional(
    v.array(
      v.object({
        name: v.string(),
        addr: address,
        hex,
        refs: v.optional(v.record(v.string(), v.string())),
        active: v.optional(v.boolean(), false),
      }),
    ),
  ),
  runs: v.optional(
    v.array(
      v.object({
        prog: v.string(),
        retval: integer,
        errno: v.optional(integer),
        data_out: v.optional(hex),
        maps: v.record(v.string(), v.record(v.string(), v.string())),
      }),
    ),
  ),
  errors: v.optional(v.array(v.unknown())),
});

/** Bytes from the start of a struct. */
const offset = v.pipe(count, v.maxValue(0x7fffffff));

const struct = v.looseObject({ size: offset, members: v.record(v.string(), v.union([offset, v.string()])) });

const kernel = v.object({
  variant: v.string(),
  release: v.string(),
  arch: v.string(),
  options: v.looseObject({
    jit_harden: v.optional(count),
    cpu_bmi2: v.optional(v.boolean()),
    cpu_la57: v.optional(v.boolean()),
    endbr_in_prologue: v.optional(v.boolean()),
    return: v.optional(v.string()),
    indirect_jump_targets: v.optional(v.array(v.string())),
    indirect_jumps_inline: v.optional(v.record(v.string(), count)),
    call_depth_tracking: v.optional(v.boolean()),
  }),
  struct_offsets: v.record(v.string(), v.union([offset, v.string()])),
  bpf_call_base: address,
  symbols: v.record(v.string(), address),
  helper_targets: v.record(address, v.looseObject({ imm: integer, names: v.array(v.string()) })),
  targets: v.record(v.string(), v.record(address, v.array(v.string()))),
  percpu_refs: v.optional(v.record(v.string(), v.array(v.string()))),
  btf: v.optional(v.looseObject({ present: v.boolean(), structs: v.record(v.string(), struct) })),
});

function checker<T>(schema: v.GenericSchema): (value: unknown) => T {
  return (value) => {
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (result.success) return result.output as T;
    const issue = result.issues[0];
    throw new Error(`${v.getDotPath(issue) ?? "record"}: ${issue.message}`);
  };
}

/** Each throws Error with the path of the first thing that is not as expected. */
export const checkPrograms = checker<ProgramsRecord>(programs);
export const checkCapture = checker<CaptureRecord>(capture);
export const checkKernel = checker<KernelRecord>(kernel);
