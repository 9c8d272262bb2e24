import * as P from "../../bpf/program.ts";
import type { MapType, ProgramType } from "./names.ts";

/** enum bpf_map_type of each word. */
export const MAP_TYPE_NUMBERS: Record<MapType, number> = {
  array: P.MAP_TYPE_ARRAY,
  hash: P.MAP_TYPE_HASH,
  prog_array: P.MAP_TYPE_PROG_ARRAY,
  percpu_array: P.MAP_TYPE_PERCPU_ARRAY,
  percpu_hash: P.MAP_TYPE_PERCPU_HASH,
};

/** enum bpf_prog_type of each word. */
export const PROGRAM_TYPE_NUMBERS: Record<ProgramType, number> = {
  classifier: P.PROG_TYPE_SCHED_CLS,
  socket_filter: P.PROG_TYPE_SOCKET_FILTER,
  xdp: P.PROG_TYPE_XDP,
  raw_tracepoint: P.PROG_TYPE_RAW_TRACEPOINT,
  kprobe: P.PROG_TYPE_KPROBE,
  tracepoint: P.PROG_TYPE_TRACEPOINT,
  tracing: P.PROG_TYPE_TRACING,
  ext: P.PROG_TYPE_EXT,
};

const wordOf = <T extends string>(numbers: Record<T, number>, number: number): T | undefined =>
  (Object.keys(numbers) as T[]).find((word) => numbers[word] === number);

export const mapTypeOf = (number: number): MapType | undefined => wordOf(MAP_TYPE_NUMBERS, number);
export const programTypeOf = (number: number): ProgramType | undefined => wordOf(PROGRAM_TYPE_NUMBERS, number);
