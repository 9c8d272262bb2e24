/**
 * Framing of gdb's remote serial protocol: `$data#checksum`, the sum of the data's bytes modulo 256 in two hex digits. `}` and the byte
 * after it, XOR 0x20, stand for one of `$ # } *`; `*` and a byte stand for that byte minus 29 repetitions of the one before.
 */
export type Received =
  | { kind: "packet"; data: Buffer }
  /** the checksum is wrong, or the data breaks off in an escape or begins with a repetition */
  | { kind: "damaged" }
  | { kind: "ack" }
  | { kind: "nak" }
  | { kind: "interrupt" };

const INTERRUPT = 0x03;
const ACK = 0x2b; // +
const NAK = 0x2d; // -
const START = 0x24; // $
const END = 0x23; // #
const ESCAPE = 0x7d; // }
const REPEAT = 0x2a; // *
const TOGGLE = 0x20;
const REPEAT_BASE = 29;
/** A packet may take so many bytes on the wire: what is longer is no packet. */
const LONGEST = 1 << 20;
/** Bytes that a packet's data may take when its repetitions are written out. */
export const LARGEST = 1 << 22;

/** Takes bytes as they come and gives what is complete in them. */
export class PacketReader {
  #rest: Buffer = Buffer.alloc(0);

  take(bytes: Uint8Array): Received[] {
    let rest = Buffer.concat([this.#rest, bytes]);
    const received: Received[] = [];
    while (rest.length) {
      const first = rest[0];
      if (first === START) {
        const end = rest.indexOf(END);
        if (end < 0 || rest.length < end + 3) {
          if (rest.length <= LONGEST) break;
          received.push({ kind: "damaged" });
          rest = Buffer.alloc(0);
          break;
        }
        received.push(packetIn(rest.subarray(1, end), rest.toString("latin1", end + 1, end + 3)));
        rest = rest.subarray(end + 3);
        continue;
      }
      if (first === INTERRUPT) received.push({ kind: "interrupt" });
      else if (first === ACK) received.push({ kind: "ack" });
      else if (first === NAK) received.push({ kind: "nak" });
      rest = rest.subarray(1);
    }
    this.#rest = rest;
    return received;
  }
}

function packetIn(wire: Uint8Array, checksum: string): Received {
  if (!/^[0-9a-f]{2}$/i.test(checksum) || sum(wire) !== Number.parseInt(checksum, 16)) return { kind: "damaged" };
  const data = decode(wire);
  return data ? { kind: "packet", data } : { kind: "damaged" };
}

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);

/** The bytes that stand for themselves; undefined: an escape or a repetition is torn, or there is too much of it. */
function decode(wire: Uint8Array): Buffer | undefined {
  const data: number[] = [];
  for (let i = 0; i < wire.length; i++) {
    if (wire[i] === ESCAPE) {
      if (++i === wire.length) return undefined;
      data.push(wire[i] ^ TOGGLE);
    } else if (wire[i] === REPEAT) {
      const count = (wire[++i] ?? 0) - REPEAT_BASE;
      if (!data.length || count < 1 || data.length + count > LARGEST) return undefined;
      data.push(...new Array(count).fill(data[data.length - 1]));
    } else data.push(wire[i]);
  }
  return Buffer.from(data);
}

/** A packet with this data, escaped where it must be; repetitions are written out. */
export function encodePacket(data: string | Uint8Array): Buffer {
  const wire: number[] = [];
  for (const byte of typeof data === "string" ? Buffer.from(data, "latin1") : data) {
    if (byte === START || byte === END || byte === ESCAPE || byte === REPEAT) wire.push(ESCAPE, byte ^ TOGGLE);
    else wire.push(byte);
  }
  const checksum = sum(Uint8Array.from(wire)).toString(16).padStart(2, "0");
  return Buffer.concat([Buffer.of(START), Buffer.from(wire), Buffer.from(`#${checksum}`)]);
}

export const ACKNOWLEDGE = Buffer.of(ACK);
export const REFUSE = Buffer.of(NAK);

/** Bytes from hex digits; undefined: they are no pairs of hex digits. */
export function fromHex(text: string): Buffer | undefined {
  return /^(?:[0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, "hex") : undefined;
}

/** A number from hex digits, at most 64 bits. */
export function hexNumber(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}
