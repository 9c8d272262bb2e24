import type { ClassicInsn } from "../../../bpf/classic/insn.ts";

/**
 * Classic BPF straight from its paper (McCanne and Jacobson, 1993) and Documentation/networking/filter.rst: two registers of 32
 * bits, 16 words of memory, a packet. What reads beyond the packet, and division by 0 in X, returns 0.
 */
export function runClassic(filter: readonly ClassicInsn[], packet: Uint8Array): number {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const memory = new Uint32Array(16);
  let a = 0;
  let x = 0;
  for (let pc = 0; ; pc++) {
    const { code, jt, jf, k } = filter[pc];
    const operand = code & 0x08 ? x : k;
    switch (code & 0x07) {
      case 0: // LD
      case 1: {
        // LDX
        let value: number;
        const mode = code & 0xe0;
        const size = [4, 2, 1][(code & 0x18) >> 3];
        if (mode === 0x00) value = k;
        else if (mode === 0x60) value = memory[k];
        else if (mode === 0x80) value = packet.length;
        else {
          const at = mode === 0x40 ? (x + k) | 0 : k | 0;
          if (at < 0 || at + size > packet.length) return 0;
          value = size === 4 ? view.getUint32(at) : size === 2 ? view.getUint16(at) : view.getUint8(at);
          if (mode === 0xa0) value = 4 * (value & 0xf);
        }
        if (code & 1) x = value >>> 0;
        else a = value >>> 0;
        break;
      }
      case 2:
        memory[k] = a;
        break;
      case 3:
        memory[k] = x;
        break;
      case 4: {
        const result = alu(code & 0xf0, a, operand);
        if (result === undefined) return 0;
        a = result >>> 0;
        break;
      }
      case 5:
        if (code === 0x05) pc += k;
        else pc += compare(code & 0xf0, a, operand) ? jt : jf;
        break;
      case 6:
        return code & 0x10 ? a : k;
      default:
        if (code & 0x80) a = x;
        else x = a;
    }
  }
}

/** undefined: division by 0 */
function alu(op: number, a: number, b: number): number | undefined {
  switch (op) {
    case 0x00:
      return a + b;
    case 0x10:
      return a - b;
    case 0x20:
      return Math.imul(a, b);
    case 0x30:
      return b === 0 ? undefined : Math.trunc(a / b);
    case 0x40:
      return a | b;
    case 0x50:
      return a & b;
    case 0x60:
      return a << b;
    case 0x70:
      return a >>> b;
    case 0x80:
      return -a;
    case 0x90:
      return b === 0 ? undefined : a % b;
    default:
      return a ^ b;
  }
}

function compare(op: number, a: number, b: number): boolean {
  switch (op) {
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
    default:
      return (a & b) !== 0;
  }
}
