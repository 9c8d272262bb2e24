import type { Kernel } from "../kernel.ts";
import { EINVAL } from "../maps/map.ts";

const ENOTSUPP = 524n;
/** sizeof(struct bpf_scratchpad), MAX_BPF_STACK bytes */
const SCRATCHPAD = 512n;

/** Ones' complement sum of the bytes as 64-bit words, folded to 32 bits (arch/x86/lib/csum-partial_64.c). */
function partial(bytes: Uint8Array, seed: bigint): bigint {
  let sum = seed;
  for (let i = 0; i < bytes.length; i += 8) {
    let word = 0n;
    for (let k = Math.min(8, bytes.length - i) - 1; k >= 0; k--) word = (word << 8n) | BigInt(bytes[i + k]);
    sum += word;
    sum = (sum & 0xffffffffffffffffn) + (sum >> 64n);
  }
  const folded = (sum & 0xffffffffn) + (sum >> 32n);
  return (folded & 0xffffffffn) + (folded >> 32n);
}

/** Add with the carry brought around (csum_add). */
function add(a: bigint, b: bigint): bigint {
  const sum = a + b;
  return (sum & 0xffffffffn) + (sum >> 32n);
}

/** bpf_csum_diff and bpf_csum_update (net/core/filter.c) */
export function installChecksumHelpers(kernel: Kernel): void {
  const { machine } = kernel;
  machine.host.provide("bpf_csum_diff", ({ args }) => {
    const [from, fromSize, to, toSize, seed] = args;
    const lengths = [BigInt.asUintN(32, fromSize), BigInt.asUintN(32, toSize)];
    const { foldedChecksum } = kernel.behaviour;
    if (lengths.some((length) => length & 3n)) return -EINVAL;
    if (!foldedChecksum && BigInt.asUintN(32, lengths[0] + lengths[1]) > SCRATCHPAD) return -EINVAL;
    const diff = foldedChecksum ? checksumDiff16 : checksumDiff32;
    return diff(
      machine.memory.read(from, Number(lengths[0])),
      machine.memory.read(to, Number(lengths[1])),
      BigInt.asUintN(32, seed),
    );
  });
  // the packets of test runs carry no complete checksum to update
  machine.host.provide("bpf_csum_update", () => -ENOTSUPP);
}

/** Up to 6.12: the removed bytes are inverted and summed with the added ones, 32 bits wide. */
function checksumDiff32(from: Uint8Array, to: Uint8Array, seed: bigint): bigint {
  const inverted = from.map((byte) => ~byte);
  const joined = new Uint8Array(from.length + to.length);
  joined.set(inverted);
  joined.set(to, from.length);
  return partial(joined, seed);
}

/** Since 6.13 (6a4794d5a3e2): difference of two sums, folded to 16 bits. */
function checksumDiff16(from: Uint8Array, to: Uint8Array, seed: bigint): bigint {
  let sum = seed;
  if (from.length && to.length) sum = add(partial(to, seed), ~partial(from, 0n) & 0xffffffffn);
  else if (to.length) sum = partial(to, seed);
  else if (from.length) sum = ~partial(from, ~seed & 0xffffffffn) & 0xffffffffn;
  const once = (sum & 0xffffn) + (sum >> 16n);
  return (once & 0xffffn) + (once >> 16n);
}
