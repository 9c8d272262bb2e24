import * as O from "../opcode.ts";
import { offsetOf } from "../structs.ts";
import type { KInsn } from "../verifier/env.ts";
import type { KernelFeatures } from "../verifier/features.ts";
import { alu32, alu32Reg, call, exit, jmp, ldx, mov64Reg } from "../verifier/insns.ts";
import { bitField } from "../verifier/structs.ts";
import * as C from "./opcode.ts";
import {
  BPF_REG_A,
  BPF_REG_ARG1,
  BPF_REG_ARG2,
  BPF_REG_ARG3,
  BPF_REG_CTX,
  BPF_REG_TMP,
  BPF_REG_X,
} from "./registers.ts";

/** Ancillary data that a kernel function fetches. */
const FUNCTIONS: Record<number, string> = {
  [C.SKF_AD_PAY_OFFSET]: "bpf_skb_get_pay_offset",
  [C.SKF_AD_NLATTR]: "bpf_skb_get_nlattr",
  [C.SKF_AD_NLATTR_NEST]: "bpf_skb_get_nlattr_nest",
  [C.SKF_AD_CPU]: "bpf_get_raw_cpu_id",
  [C.SKF_AD_RANDOM]: "bpf_user_rnd_u32",
};

/** A = the low `bits` of A, swapped */
const fromBigEndian = (bits: number): KInsn => ({
  code: O.BPF_ALU | O.BPF_END | O.BPF_TO_BE,
  dst: BPF_REG_A,
  src: 0,
  off: 0,
  imm: bits,
});

/** convert_bpf_extensions(): an absolute load of ancillary data; undefined: `k` is none. */
export function convertExtension(k: number, kernel: KernelFeatures): KInsn[] | undefined {
  const what = (k | 0) - C.SKF_AD_OFF;
  const { structs } = kernel;
  const field = (size: number, member: string): KInsn =>
    ldx(size, BPF_REG_A, BPF_REG_CTX, offsetOf(structs, `sk_buff.${member}`));
  switch (what) {
    case C.SKF_AD_PROTOCOL:
      return [field(O.BPF_H, "protocol"), fromBigEndian(16)];
    case C.SKF_AD_PKTTYPE: {
      const { byte, mask } = bitField(structs, "sk_buff.pkt_type");
      return [ldx(O.BPF_B, BPF_REG_A, BPF_REG_CTX, byte), alu32(O.BPF_AND, BPF_REG_A, mask)];
    }
    case C.SKF_AD_IFINDEX:
      return ofDevice(kernel, ldx(O.BPF_W, BPF_REG_A, BPF_REG_TMP, offsetOf(structs, "net_device.ifindex")));
    case C.SKF_AD_HATYPE:
      return ofDevice(kernel, ldx(O.BPF_H, BPF_REG_A, BPF_REG_TMP, offsetOf(structs, "net_device.type")));
    case C.SKF_AD_MARK:
      return [field(O.BPF_W, "mark")];
    case C.SKF_AD_RXHASH:
      return [field(O.BPF_W, "hash")];
    case C.SKF_AD_QUEUE:
      return [field(O.BPF_H, "queue_mapping")];
    case C.SKF_AD_VLAN_TAG:
      return [field(O.BPF_H, "vlan_tci")];
    case C.SKF_AD_VLAN_TAG_PRESENT:
      return vlanPresent(kernel);
    case C.SKF_AD_VLAN_TPID:
      return [field(O.BPF_H, "vlan_proto"), fromBigEndian(16)];
    case C.SKF_AD_ALU_XOR_X:
      return [alu32Reg(O.BPF_XOR, BPF_REG_A, BPF_REG_X)];
  }
  const callee = FUNCTIONS[what];
  if (!callee) return undefined;
  return [
    mov64Reg(BPF_REG_ARG1, BPF_REG_CTX),
    mov64Reg(BPF_REG_ARG2, BPF_REG_A),
    mov64Reg(BPF_REG_ARG3, BPF_REG_X),
    call(callee),
  ];
}

/** A packet without a device ends the filter with what A holds. */
function ofDevice({ structs }: KernelFeatures, load: KInsn): KInsn[] {
  return [
    ldx(O.BPF_DW, BPF_REG_TMP, BPF_REG_CTX, offsetOf(structs, "sk_buff.dev")),
    jmp(O.BPF_JNE, BPF_REG_TMP, 0, 1),
    exit(),
    load,
  ];
}

/** Since 6.2 a tag is there when vlan_all is not 0 (354259fa73e2), before it has a bit of its own. */
function vlanPresent({ structs, skb }: KernelFeatures): KInsn[] {
  if (skb.vlanPresent === "vlan_all")
    return [
      ldx(O.BPF_W, BPF_REG_A, BPF_REG_CTX, offsetOf(structs, "sk_buff.vlan_all")),
      jmp(O.BPF_JEQ, BPF_REG_A, 0, 1),
      alu32(O.BPF_MOV, BPF_REG_A, 1),
    ];
  const { byte, shift } = bitField(structs, "sk_buff.vlan_present");
  const insns = [ldx(O.BPF_B, BPF_REG_A, BPF_REG_CTX, byte)];
  if (shift) insns.push(alu32(O.BPF_RSH, BPF_REG_A, shift));
  if (shift < 7) insns.push(alu32(O.BPF_AND, BPF_REG_A, 1));
  return insns;
}
