import { type Image, OWN_STORE, POKED } from "../../bpf/image.ts";
import { decodeTable } from "../import/x86/decode.ts";

/** New bytes at an offset of a function. */
export interface Change {
  offset: number;
  bytes: Uint8Array;
}

/** The function with other bytes in some places, decoded afresh. What may be poked, and what stores are the JIT's own, stays. */
export function withChanges(image: Image, changes: readonly Change[]): Image {
  if (changes.length === 0) return image;
  const bytes = image.bytes.slice();
  for (const change of changes) bytes.set(change.bytes, change.offset);
  const { starts, flags } = decodeTable(bytes);
  const kept = new Map(image.starts.map((start, i) => [start, image.flags[i] & (POKED | OWN_STORE)]));
  return { ...image, bytes, starts, flags: flags.map((flag, i) => flag | (kept.get(starts[i]) ?? 0)) };
}
