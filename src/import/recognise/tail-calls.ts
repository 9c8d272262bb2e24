import { isPatchSite, lastS32, type Piece, type Pieces } from "./code.ts";

/** A tail call, found by how it counts. Offsets in bytes from the code's start. */
export interface FoundTailCall {
  kind: "direct" | "indirect";
  /** first byte of the sequence, and first byte behind it */
  start: number;
  out: number;
  /** tail calls that are allowed before it: the number that the count is compared with */
  limit: number;
  /** how the count is compared: 5.10 to 5.16 "above 32", later "not below 33" */
  compare: "above" | "not-below";
  /** direct: the patch sites; bypass is missing before 5.10 */
  bypass?: number;
  target?: number;
  /** direct: where the jump at `target` goes; undefined: the slot was empty */
  callee?: number;
  /** indirect: byte offsets of bpf_map.max_entries, bpf_array.ptrs and bpf_prog.bpf_func, and what is added to the last */
  offsets?: { maxEntries: number; ptrs: number; bpfFunc: number; landing: number };
}

/** All tail calls of a function. */
export function findTailCalls({ pieces, index, bytes }: Pieces): FoundTailCall[] {
  const found: FoundTailCall[] = [];
  for (let i = 0; i + 2 < pieces.length; i++) {
    const check = countCheck(pieces, i);
    if (!check) continue;
    const end = index.get(check.out) ?? (check.out === bytes.length ? pieces.length : undefined);
    if (end === undefined || end <= i) continue;
    const inside = pieces.slice(i + 3, end);
    const bounds = boundsCheck(pieces, i, check.out);
    const site = bounds === undefined ? direct(inside, check.out) : indirect(pieces.slice(bounds, end));
    if (site) found.push({ start: pieces[bounds ?? i].at, ...check, ...site });
    i += 2;
  }
  return found;
}

/** Load of the count or of the pointer to it, comparison, jump out. */
function countCheck(pieces: readonly Piece[], i: number): Pick<FoundTailCall, "out" | "limit" | "compare"> | undefined {
  const [load, compare, jump] = [pieces[i], pieces[i + 1], pieces[i + 2]];
  const isValue = /^8b85/.test(load.hex) && /^83f8..$/.test(compare.hex);
  const isPointer = /^488b85/.test(load.hex) && /^488338..$/.test(compare.hex);
  const above = /^(77|0f87)/.test(jump.hex);
  if ((!isValue && !isPointer) || jump.target === undefined) return undefined;
  if (!above && !/^(73|0f83)/.test(jump.hex)) return undefined;
  if (jump.target <= jump.at) return undefined;
  const number = Number.parseInt(compare.hex.slice(-2), 16);
  return { out: jump.target, limit: above ? number + 1 : number, compare: above ? "above" : "not-below" };
}

/** Index of the first instruction of the index's check, which jumps to the same place as the count's. */
function boundsCheck(pieces: readonly Piece[], i: number, out: number): number | undefined {
  const before = pieces.slice(Math.max(0, i - 3), i).map(({ hex }) => hex);
  if (before.length < 3 || pieces[i - 1].target !== out) return undefined;
  const is32 = before[0] === "89d2" && /^39(56|96)/.test(before[1]);
  const is64 = /^488b46/.test(before[0]) && before[1] === "4839d0";
  return is32 || is64 ? i - 3 : undefined;
}

function direct(
  inside: readonly Piece[],
  out: number,
): Pick<FoundTailCall, "kind" | "bypass" | "target" | "callee"> | undefined {
  const target = inside[inside.length - 1];
  if (!target || !isPatchSite(target) || target.hex.startsWith("e8")) return undefined;
  const bypass = inside
    .slice(0, -1)
    .find((piece) => isPatchSite(piece) && (piece.target === undefined || piece.target === out));
  return {
    kind: "direct",
    target: target.at,
    ...(bypass ? { bypass: bypass.at } : {}),
    ...(target.target === undefined ? {} : { callee: target.target }),
  };
}

function indirect(site: readonly Piece[]): Pick<FoundTailCall, "kind" | "offsets"> {
  const has = (pattern: RegExp): Piece | undefined => site.find(({ hex }) => pattern.test(hex));
  const maxEntries = has(/^39(56|96)/) ?? has(/^488b46/);
  const ptrs = has(/^48(8b|8d)(8c|84)d6/);
  const bpfFunc = has(/^488b(4[09]|8[19])/);
  const landing = has(/^4883c[01]/);
  if (!maxEntries || !ptrs || !bpfFunc) return { kind: "indirect" };
  const offsets = {
    maxEntries: displacement(maxEntries),
    ptrs: lastS32(ptrs),
    bpfFunc: displacement(bpfFunc),
    landing: landing ? Number.parseInt(landing.hex.slice(-2), 16) : 0,
  };
  return { kind: "indirect", offsets };
}

/** An 8-bit displacement, or a 32-bit one. */
const displacement = (piece: Piece): number =>
  piece.hex.length > 8 ? lastS32(piece) : Number.parseInt(piece.hex.slice(-2), 16);
