import { takeApart } from "./code.ts";
import { readPrologue } from "./prologue.ts";

/** push rbp; mov rbp, rsp, and how an exception callback begins its frame */
const FRAMES = [Buffer.from("554889e5", "hex"), Buffer.from("4889f44889d5", "hex")];
/** Bytes that a preamble, endbr64, patch site and the count's slot take in front of the frame. */
const IN_FRONT = 28;
/** Bytes that a prologue takes at most. */
const LONGEST = 128;
/** What may stand in front of a function: a return's end, what fills packs, nothing. */
const FILL = [0xc3, 0xcc, 0x00, 0x90];
/** Far more than a program may have (BPF_MAX_SUBPROGS). */
export const MOST_FUNCTIONS = 4096;

/**
 * Offsets at which functions begin in code whose tool does not tell: where a prologue is, in front of the code or behind what ends a function.
 * None recognised: the first byte. At most MOST_FUNCTIONS.
 */
export function findFunctions(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  for (const frame of frames(bytes)) {
    if (starts.length === MOST_FUNCTIONS) break;
    const from = Math.max(starts.length ? starts[starts.length - 1] + 1 : 0, frame - IN_FRONT);
    const start = firstStart(bytes, from, frame);
    if (start !== undefined) starts.push(start);
  }
  return starts.length ? starts : [0];
}

/** Offsets of what looks like a frame being made, upwards. */
function frames(bytes: Uint8Array): number[] {
  const code = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: number[] = [];
  for (const frame of FRAMES)
    for (let at = code.indexOf(frame); at >= 0 && found.length < 4 * MOST_FUNCTIONS; at = code.indexOf(frame, at + 1))
      found.push(at);
  return found.sort((a, b) => a - b);
}

/** The first offset from which all up to the frame is a prologue. */
function firstStart(bytes: Uint8Array, from: number, frame: number): number | undefined {
  for (let at = from; at <= frame; at++) {
    if (at > 0 && !endsBefore(bytes, at)) continue;
    const prologue = readPrologue(takeApart(bytes.subarray(at, at + LONGEST)));
    if (prologue && at + prologue.body > frame) return at;
  }
  return undefined;
}

const endsBefore = (bytes: Uint8Array, at: number): boolean =>
  FILL.includes(bytes[at - 1]) || (at >= 5 && bytes[at - 5] === 0xe9);
