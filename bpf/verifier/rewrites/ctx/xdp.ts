import * as O from "../../../opcode.ts";
import { offsetOf } from "../../../structs.ts";
import type { Env, KInsn } from "../../env.ts";
import { ldx } from "../../insns.ts";
import { XDP_MD } from "../../uapi.ts";
import type { Converted } from "./skb.ts";

/** Chains of loads behind a field of struct xdp_md; all but the last load a pointer. */
const FIELDS: Record<number, [last: number, ...path: string[]]> = {
  [XDP_MD.data]: [O.BPF_DW, "xdp_buff.data"],
  [XDP_MD.data_meta]: [O.BPF_DW, "xdp_buff.data_meta"],
  [XDP_MD.data_end]: [O.BPF_DW, "xdp_buff.data_end"],
  [XDP_MD.ingress_ifindex]: [O.BPF_W, "xdp_buff.rxq", "xdp_rxq_info.dev", "net_device.ifindex"],
  [XDP_MD.rx_queue_index]: [O.BPF_W, "xdp_buff.rxq", "xdp_rxq_info.queue_index"],
};

/** xdp_convert_ctx_access() */
export function convertXdp(env: Env, si: KInsn): Converted {
  const [last, ...path] = FIELDS[si.off] ?? [0];
  const insns = path.map((field, i) =>
    ldx(i === path.length - 1 ? last : O.BPF_DW, si.dst, i ? si.dst : si.src, offsetOf(env.kernel.structs, field)),
  );
  return { insns, targetSize: 0 };
}
