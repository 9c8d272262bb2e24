import { FLOW_CALL, FLOW_DIRECT, type InsnFlags } from "../../../bpf/image.ts";
import { jumpTarget } from "../../../emulator/marks.ts";
import { decodeTable } from "../x86/decode.ts";

/** One machine instruction; offsets in bytes from the code's start. */
export interface Piece {
  at: number;
  length: number;
  /** its bytes, two lower-case digits each */
  hex: string;
  flags: InsnFlags;
  /** where a direct jump or call goes; may lie outside the code */
  target?: number;
}

/** Machine code taken apart. `bad`: offset of the first byte that is no instruction, where it ends. */
export interface Pieces {
  bytes: Uint8Array;
  pieces: Piece[];
  /** offset -> index into pieces */
  index: Map<number, number>;
  bad?: number;
}

/** Take machine code apart, from its first byte on. */
export function takeApart(bytes: Uint8Array): Pieces {
  const { starts, flags, bad } = decodeTable(bytes);
  const hex = Buffer.from(bytes).toString("hex");
  const end = bad ?? bytes.length;
  const pieces = starts.map((at, i): Piece => {
    const next = starts[i + 1] ?? end;
    const piece: Piece = { at, length: next - at, hex: hex.slice(2 * at, 2 * next), flags: flags[i] };
    const target = flags[i] & FLOW_DIRECT ? jumpTarget(bytes, at, next) : undefined;
    return target === undefined ? piece : { ...piece, target };
  });
  const index = new Map(pieces.map(({ at }, i) => [at, i]));
  return bad === undefined ? { bytes, pieces, index } : { bytes, pieces, index, bad };
}

export const isCall = ({ flags }: Piece): boolean => (flags & FLOW_CALL) !== 0;

/** nop5, or a jump or call of 32 bits: what a patch site holds */
export const isPatchSite = ({ hex, length }: Piece): boolean => length === 5 && /^(0f1f440000|e8|e9)/.test(hex);

/** A signed 32-bit number at the end of an instruction's bytes. */
export const lastS32 = ({ hex }: Piece): number => Buffer.from(hex.slice(-8), "hex").readInt32LE();
