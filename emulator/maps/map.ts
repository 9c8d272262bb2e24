import type { MapDef } from "../../bpf/program.ts";

/** Errors as helpers return them. */
export const ENOENT = 2n;
export const ENOMEM = 12n;
export const E2BIG = 7n;
export const EEXIST = 17n;
export const EINVAL = 22n;

export const BPF_ANY = 0n;
export const BPF_NOEXIST = 1n;
export const BPF_EXIST = 2n;
export const BPF_F_LOCK = 4n;

/** Flags that no update takes. */
export const badFlags = (flags: bigint): boolean => (flags & ~BPF_F_LOCK) > BPF_EXIST;

/** A map as programs, helpers and reports see it; its contents are in guest memory, laid out as the kernel does. */
export interface KernelMap {
  readonly def: MapDef;
  /** address of struct bpf_map */
  readonly address: bigint;
  /** Address of the value on that CPU, 0 when there is none. */
  lookup(key: Uint8Array, cpu: number): bigint;
  /** 0 or a negative errno; `value` is value_size bytes. */
  update(key: Uint8Array, value: Uint8Array, flags: bigint, cpu: number): bigint;
  remove(key: Uint8Array): bigint;
  /** Keys that are there, in the order in which bpf_for_each_map_elem visits them. */
  keys(): Uint8Array[];
  /** Bytes of a value as user space reads it: one CPU's after the other's for per-CPU maps. */
  read(key: Uint8Array): Uint8Array | undefined;
  /** Remember what is not in guest memory; the result brings it back. */
  save?(): () => void;
}

export function keyOf(index: number | bigint, size = 4): Uint8Array {
  const key = new Uint8Array(size);
  let rest = BigInt(index);
  for (let i = 0; i < size; i++, rest >>= 8n) key[i] = Number(rest & 0xffn);
  return key;
}

/** Unsigned little-endian integer of the key's first bytes. */
export function indexOf(key: Uint8Array): number {
  return key[0] + key[1] * 0x100 + key[2] * 0x10000 + key[3] * 0x1000000;
}

export const roundUp8 = (size: number): number => (size + 7) & ~7;
