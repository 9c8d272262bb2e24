import * as P from "../../program.ts";
import { SKB, XDP_MD } from "../uapi.ts";
import { pointer, type Reg, type RegType, scalarReg } from "./reg.ts";
import { auxAt, fail, nextId, type Run } from "./run.ts";
import { isZero } from "./scalar/domain.ts";

/** What an access to the context is: bytes of the field (0: no narrower loads), and the type a load gives. */
interface Access {
  fieldSize?: number;
  type?: RegType;
  struct?: string;
}

const within = (off: number, from: number, to: number): boolean => off >= from && off < to;

/** Fields of __sk_buff that a classifier may write. */
const CLS_WRITES = [SKB.mark, SKB.tc_index, SKB.priority, SKB.tc_classid, SKB.queue_mapping];

/** bpf_skb_is_valid_access() */
function skbField(off: number, size: number, write: boolean, sx: boolean): Access | null {
  if (off < 0 || off >= SKB.size || off % size !== 0) return null;
  if (within(off, SKB.cb, SKB.cb + 20)) return off + size <= SKB.cb + 20 ? {} : null;
  if (
    within(off, SKB.data, SKB.data + 4) ||
    within(off, SKB.data_end, SKB.data_end + 4) ||
    within(off, SKB.data_meta, SKB.data_meta + 4)
  )
    return sx || size !== 4 ? null : {};
  if (within(off, SKB.remote_ip4, SKB.remote_port)) return size === 4 ? { fieldSize: 0 } : null;
  if (within(off, SKB.flow_keys, SKB.flow_keys + 8)) return null;
  if (within(off, SKB.hwtstamp, SKB.hwtstamp + 8)) return write || size !== 8 ? null : {};
  if (within(off, SKB.tstamp, SKB.tstamp + 8)) return size === 8 ? {} : null;
  if (within(off, SKB.sk, SKB.sk + 8)) return write || size !== 8 ? null : { type: "sock_common" };
  if (within(off, SKB.tstamp_type, SKB.hwtstamp)) return null;
  if (write) return size === 4 ? {} : null;
  return (off & 3) + size <= 4 ? { fieldSize: 4 } : null;
}

function classifier(run: Run, off: number, size: number, write: boolean, sx: boolean): Access | null {
  const writable =
    CLS_WRITES.some((f) => within(off, f, f + 4)) ||
    within(off, SKB.cb, SKB.cb + 20) ||
    within(off, SKB.tstamp, SKB.tstamp + 8);
  if (write && !writable) return null;
  if (within(off, SKB.family, SKB.local_port + 4)) return null;
  if (off === SKB.tstamp_type) {
    run.env.tstampTypeAccess = true;
    return size === 1 ? {} : null;
  }
  const access = skbField(off, size, write, sx);
  if (access && within(off, SKB.data, SKB.data + 4)) access.type = "packet";
  if (access && within(off, SKB.data_meta, SKB.data_meta + 4)) access.type = "packet_meta";
  if (access && within(off, SKB.data_end, SKB.data_end + 4)) access.type = "packet_end";
  return access;
}

function socketFilter(off: number, size: number, write: boolean, sx: boolean): Access | null {
  const hidden = [SKB.tc_classid, SKB.data, SKB.data_meta, SKB.data_end, SKB.wire_len].some((f) =>
    within(off, f, f + 4),
  );
  const hiddenLong = [SKB.tstamp, SKB.hwtstamp].some((f) => within(off, f, f + 8));
  if (hidden || hiddenLong || within(off, SKB.family, SKB.local_port + 4)) return null;
  if (write && !within(off, SKB.cb, SKB.cb + 20)) return null;
  return skbField(off, size, write, sx);
}

function xdp(off: number, size: number, write: boolean, sx: boolean): Access | null {
  if (write || off < 0 || off >= XDP_MD.size || off % size !== 0 || size !== 4 || off === XDP_MD.egress_ifindex)
    return null;
  const types: Record<number, RegType> = {
    [XDP_MD.data]: "packet",
    [XDP_MD.data_meta]: "packet_meta",
    [XDP_MD.data_end]: "packet_end",
  };
  return types[off] && sx ? null : { type: types[off] };
}

/** btf_ctx_access(): arguments of the function that is attached to, and its result for fexit. */
function tracing(run: Run, off: number, size: number): Access | null {
  const { attach } = run.env.program;
  if (off < 0 || off % 8 !== 0 || size !== 8) return null;
  const target = run.env.attachTarget;
  const args = target ? (target.nargs ?? 1) : 12;
  const index = off / 8;
  if (index > args || (index === args && attach?.type === "fentry")) return null;
  const context = target && target.nargs === undefined && index === 0;
  return context ? { type: "btf", struct: "sk_buff" } : {};
}

function words(off: number, size: number, length: number): Access | null {
  return off < 0 || off % size !== 0 || off + size > length ? null : {};
}

function access(run: Run, off: number, size: number, write: boolean, sx: boolean): Access | null {
  switch (run.env.program.type) {
    case P.PROG_TYPE_SOCKET_FILTER:
      return socketFilter(off, size, write, sx);
    case P.PROG_TYPE_SCHED_CLS:
      return classifier(run, off, size, write, sx);
    case P.PROG_TYPE_XDP:
      return xdp(off, size, write, sx);
    case P.PROG_TYPE_RAW_TRACEPOINT:
      return write ? null : words(off, size, 12 * 8);
    case P.PROG_TYPE_KPROBE:
      return write ? null : words(off, size, 168);
    case P.PROG_TYPE_TRACEPOINT:
      return write || off < 8 ? null : words(off, size, 8192);
    case P.PROG_TYPE_TRACING:
      return write ? null : tracing(run, off, size);
    default:
      return fail(run, `program type ${run.env.program.type} is not modelled`);
  }
}

/** check_ctx_access(): a load's result, null for a scalar or a store. */
export function accessContext(run: Run, ptr: Reg, off: number, size: number, write: boolean, sx: boolean): Reg | null {
  if (ptr.off !== 0 || !isZero(ptr.value)) fail(run, `dereference of modified ctx ptr off=${ptr.off} disallowed`);
  const found = access(run, off, size, write, sx);
  if (!found) return fail(run, `invalid bpf_context access off=${off} size=${size}`);
  if (!write && found.fieldSize) auxAt(run).ctxFieldSize = found.fieldSize;
  if (write) return null;
  if (!found.type) return scalarReg(run.S.unknown);
  const zero = run.S.constant(0n);
  if (found.type === "sock_common") return pointer("sock_common", zero, { maybeNull: true, id: nextId(run) });
  if (found.type === "btf") return pointer("btf", zero, { struct: found.struct, trust: "trusted" });
  return pointer(found.type, zero);
}
