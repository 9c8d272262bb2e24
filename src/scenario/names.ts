/** Words a scenario may use. Order is the order of documentation and of error messages. */

export const PROGRAM_TYPES = [
  "classifier",
  "socket_filter",
  "xdp",
  "raw_tracepoint",
  "kprobe",
  "tracepoint",
  "tracing",
  "ext",
] as const;
export type ProgramType = (typeof PROGRAM_TYPES)[number];

export const ATTACH_TYPES = ["fentry", "fexit", "fmod_ret", "freplace"] as const;
export type AttachType = (typeof ATTACH_TYPES)[number];

export const MAP_TYPES = ["array", "hash", "prog_array", "percpu_array", "percpu_hash"] as const;
export type MapType = (typeof MAP_TYPES)[number];

export const FORMS = ["source", "xlated"] as const;

/** The contracts, one file each in src/checks; interrupt, switch, poke: what is expected holds wherever these happen. */
export const CHECKS = [
  "tail-call-limit",
  "callee-saved",
  "arguments",
  "stack-balance",
  "stack-init",
  "stack-depth",
  "landing",
  "poke",
  "fastcall",
  "result",
  "fault",
  "budget",
  "interrupt",
  "switch",
] as const;
export type CheckName = (typeof CHECKS)[number];

/** Integer members of struct __sk_buff (include/uapi/linux/bpf.h) that a test run can set: bpf_prog_test_run_skb's list and reads of it. */
export const SKB_FIELDS = [
  "mark",
  "priority",
  "queue_mapping",
  "protocol",
  "pkt_type",
  "ifindex",
  "ingress_ifindex",
  "tc_index",
  "tc_classid",
  "hash",
  "napi_id",
  "vlan_present",
  "vlan_tci",
  "vlan_proto",
  "tstamp",
  "hwtstamp",
  "wire_len",
  "gso_segs",
  "gso_size",
] as const;
export type SkbField = (typeof SKB_FIELDS)[number];
