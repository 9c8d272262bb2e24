import { offsetOf, type Structs } from "../bpf/structs.ts";
import type { StructOffsets, X86Profile } from "./profile.ts";

/** The offsets that JITed code needs, from struct layouts. Throws RangeError when one is missing. */
export function offsetsOf(structs: Structs): StructOffsets {
  return {
    maxEntries: offsetOf(structs, "bpf_map.max_entries"),
    ptrs: offsetOf(structs, "bpf_array.ptrs"),
    bpfFunc: offsetOf(structs, "bpf_prog.bpf_func"),
    skb: {
      len: offsetOf(structs, "sk_buff.len"),
      dataLen: offsetOf(structs, "sk_buff.data_len"),
      data: offsetOf(structs, "sk_buff.data"),
    },
  };
}

/** The profile on another kernel's structures. Throws RangeError when a member that it needs is missing. */
export function withOffsets(profile: X86Profile, structs: Structs): X86Profile {
  return { ...profile, offsets: offsetsOf(structs) };
}
