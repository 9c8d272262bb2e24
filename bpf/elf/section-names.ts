import {
  PROG_TYPE_EXT,
  PROG_TYPE_KPROBE,
  PROG_TYPE_RAW_TRACEPOINT,
  PROG_TYPE_SCHED_CLS,
  PROG_TYPE_SOCKET_FILTER,
  PROG_TYPE_TRACEPOINT,
  PROG_TYPE_TRACING,
  PROG_TYPE_XDP,
} from "../program.ts";

/** What a section's name says of the programs in it. */
export interface SectionKind {
  /** what the name begins with, e.g. "fentry" */
  word: string;
  /** enum bpf_prog_type; undefined: a type that is not modelled */
  type: number | undefined;
  attach?: "fentry" | "fexit" | "fmod_ret" | "freplace";
  /** what follows the first slash, e.g. the function */
  target: string;
}

const TYPES: [words: string, type: number | undefined][] = [
  ["socket", PROG_TYPE_SOCKET_FILTER],
  ["tc classifier tcx", PROG_TYPE_SCHED_CLS],
  ["xdp xdp.frags", PROG_TYPE_XDP],
  [
    "kprobe kretprobe uprobe uretprobe kprobe.multi kretprobe.multi uprobe.multi uretprobe.multi ksyscall kretsyscall usdt",
    PROG_TYPE_KPROBE,
  ],
  ["tracepoint tp", PROG_TYPE_TRACEPOINT],
  ["raw_tracepoint raw_tp", PROG_TYPE_RAW_TRACEPOINT],
  ["fentry fexit fmod_ret tp_btf", PROG_TYPE_TRACING],
  ["freplace", PROG_TYPE_EXT],
  ["action netkit perf_event lwt_in lwt_out lwt_xmit lwt_seg6local cgroup_skb cgroup sockops sk_skb sk_msg", undefined],
  ["sk_lookup sk_reuseport flow_dissector lsm lsm.s lsm_cgroup iter iter.s struct_ops struct_ops.s syscall", undefined],
  ["raw_tracepoint.w raw_tp.w uprobe.s uretprobe.s usdt.s uprobe.multi.s fentry.s fexit.s fmod_ret.s", undefined],
];

const ATTACHES = ["fentry", "fexit", "fmod_ret", "freplace"] as const;

/** The kind of programs that a section holds, by its name (section_defs of libbpf); undefined: libbpf would not know it. */
export function sectionKind(name: string): SectionKind | undefined {
  const [, word, target = ""] = /^\??([^/]*)(?:\/(.*))?$/s.exec(name) ?? [];
  const found = TYPES.find(([words]) => words.split(" ").includes(word));
  if (!found) return undefined;
  const attach = ATTACHES.find((type) => type === word);
  return { word, type: found[1], ...(attach ? { attach } : {}), target };
}
