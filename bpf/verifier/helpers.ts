import { helperName } from "../helper-ids.ts";
import * as P from "../program.ts";
import type { KernelFeatures } from "./features.ts";

/**
 * enum bpf_arg_type, as far as it matters: what the register must hold, and what the helper does with memory behind it.
 * "key", "value" as large as the map says; "mem" is read, "wmem" written (may be uninitialized), with "size" (not 0) or "size0" after it;
 * "mem8w": 8 bytes written; a trailing ? may be NULL.
 */
export type ArgType =
  | "any"
  | "ctx"
  | "map"
  | "key"
  | "value"
  | "uvalue"
  | "mem"
  | "mem?"
  | "wmem"
  | "size"
  | "size0"
  | "mem8w"
  | "func"
  | "stack?"
  | "btf"
  | "allocsize"
  | "ringmem"
  | "str";

export interface HelperProto {
  name: string;
  args: ArgType[];
  ret: "int" | "void" | "map_value?" | "task" | "mem?";
  /** bpf_helper_changes_pkt_data: packet pointers are void afterwards */
  changesPacket: boolean;
}

const BASE = `
  map_lookup_elem: map key -> map_value?
  map_update_elem: map key value any
  map_delete_elem: map key
  map_push_elem: map value any
  map_pop_elem: map uvalue
  map_peek_elem: map uvalue
  map_lookup_percpu_elem: map key any -> map_value?
  get_prandom_u32:
  get_smp_processor_id:
  get_numa_node_id:
  tail_call: ctx map any -> void
  ktime_get_ns:
  ktime_get_boot_ns:
  ktime_get_coarse_ns:
  ktime_get_tai_ns:
  ringbuf_output: map mem size0 any
  ringbuf_reserve: map allocsize any -> mem?
  ringbuf_submit: ringmem any -> void
  ringbuf_discard: ringmem any -> void
  ringbuf_query: map any
  for_each_map_elem: map func stack? any
  loop: any func stack? any
  strncmp: mem size str
  jiffies64:
  trace_printk: mem size
  get_current_task:
  get_current_task_btf: -> task
  probe_read_user: wmem size0 any
  probe_read_kernel: wmem size0 any
  probe_read_user_str: wmem size0 any
  probe_read_kernel_str: wmem size0 any
  strtol: mem size any mem8w
  strtoul: mem size any mem8w
  get_current_pid_tgid:
  get_current_uid_gid:
  get_current_comm: wmem size
  get_current_cgroup_id:
  perf_event_output: ctx map any mem size0
  get_stackid: ctx map any
`;

const TRACING = `
  map_lookup_elem: map key -> map_value?
  probe_read: wmem size0 any
  probe_read_str: wmem size0 any
  get_stack: ctx wmem size0 any
  current_task_under_cgroup: map any
  send_signal: any
  send_signal_thread: any
  get_func_ip: ctx
  get_attach_cookie: ctx
  get_func_arg: ctx any mem8w
  get_func_ret: ctx mem8w
  get_func_arg_cnt: ctx
`;

const SKB = `
  skb_load_bytes: ctx any wmem size
  skb_load_bytes_relative: ctx any wmem size any
  get_socket_cookie: ctx
  get_socket_uid: ctx
`;

const CLS = `
  skb_store_bytes: ctx any mem size any !
  skb_pull_data: ctx any !
  csum_diff: mem? size0 mem? size0 any
  csum_update: ctx any
  csum_level: ctx any
  l3_csum_replace: ctx any any any any !
  l4_csum_replace: ctx any any any any !
  clone_redirect: ctx any any !
  get_cgroup_classid: ctx
  skb_vlan_push: ctx any any !
  skb_vlan_pop: ctx !
  skb_change_proto: ctx any any !
  skb_change_type: ctx any
  skb_adjust_room: ctx any any any !
  skb_change_tail: ctx any any !
  skb_change_head: ctx any any !
  skb_under_cgroup: ctx map any
  redirect: any any
  get_route_realm: ctx
  get_hash_recalc: ctx
  set_hash_invalid: ctx
  set_hash: ctx any
  skb_cgroup_id: ctx
  skb_ancestor_cgroup_id: ctx any
  skb_ecn_set_ce: ctx !
`;

const XDP = `
  csum_diff: mem? size0 mem? size0 any
  redirect: any any
  redirect_map: map any any
  xdp_adjust_head: ctx any !
  xdp_adjust_meta: ctx any !
  xdp_adjust_tail: ctx any !
`;

function parse(text: string): Map<string, HelperProto> {
  const protos = new Map<string, HelperProto>();
  for (const line of text.trim().split("\n")) {
    const [name, rest] = line.trim().split(":");
    const [args, ret] = (rest ?? "").split("->");
    const words = args.trim().split(/\s+/).filter(Boolean);
    protos.set(name, {
      name,
      args: words.filter((w) => w !== "!") as ArgType[],
      ret: (ret?.trim() ?? "int") as HelperProto["ret"],
      changesPacket: words.includes("!"),
    });
  }
  return protos;
}

const [base, tracing, skb, cls, xdp] = [BASE, TRACING, SKB, CLS, XDP].map(parse);

/** Groups of helpers a program type may call, besides the base ones (env->ops->get_func_proto). */
function groupsOf(type: number): Map<string, HelperProto>[] {
  switch (type) {
    case P.PROG_TYPE_SOCKET_FILTER:
      return [skb];
    case P.PROG_TYPE_SCHED_CLS:
      return [skb, cls];
    case P.PROG_TYPE_XDP:
      return [xdp];
    default:
      return [tracing];
  }
}

/** A helper's name without bpf_; undefined: there is no such helper. */
export const shortName = (id: number): string | undefined => helperName(id)?.slice("bpf_".length);

/** The prototype of helper `id` for a program of this type; undefined: it may not be called. */
export function helperProto(id: number, progType: number): HelperProto | undefined {
  const name = shortName(id);
  if (!name) return undefined;
  return (
    base.get(name) ??
    groupsOf(progType)
      .find((g) => g.has(name))
      ?.get(name)
  );
}

/** Symbol of the kernel function behind a helper where it is not bpf_<name>. */
export function helperSymbol(name: string, progType: number, kernel: KernelFeatures): string {
  switch (name) {
    case "get_prandom_u32":
      return "bpf_user_rnd_u32";
    case "get_smp_processor_id":
      return kernel.rawCpuId.includes(progType) ? "bpf_get_raw_cpu_id" : "bpf_get_smp_processor_id";
    case "get_attach_cookie":
      return progType === P.PROG_TYPE_TRACING ? "bpf_get_attach_cookie_tracing" : "bpf_get_attach_cookie";
    default:
      return `bpf_${name}`;
  }
}

/** Parameters and result of the kernel functions that are modelled. */
export interface KfuncProto {
  params: number;
  isVoid: boolean;
}

const KFUNCS: Record<string, KfuncProto> = {
  bpf_rcu_read_lock: { params: 0, isVoid: true },
  bpf_rcu_read_unlock: { params: 0, isVoid: true },
  bpf_preempt_disable: { params: 0, isVoid: true },
  bpf_preempt_enable: { params: 0, isVoid: true },
  bpf_throw: { params: 1, isVoid: true },
  bpf_cast_to_kern_ctx: { params: 1, isVoid: false },
  bpf_rdonly_cast: { params: 2, isVoid: false },
};

export const kfuncProto = (name: string, kernel: KernelFeatures): KfuncProto | undefined =>
  kernel.kfuncs.includes(name) ? KFUNCS[name] : undefined;
