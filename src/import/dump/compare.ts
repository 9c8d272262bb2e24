import type { Image } from "../../../bpf/image.ts";
import type { Xlated } from "../../../bpf/xlated.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { compileProgram } from "../../../jit/program.ts";
import type { ComparedFunction, ComparedSet } from "../capture/compare.ts";
import { isPatchSite, type Piece, takeApart } from "../recognise/code.ts";
import type { Recognised } from "../recognise/recognise.ts";
import { DumpMismatch, xlatedProgram } from "./xlated-program.ts";

/** What stands for addresses that a dump does not tell: as long as real ones, and recognisable. */
const MAPS = 0xffff_8ea0_0000_0000n;
const SYMBOLS = 0xffffffff90000000n;
const STEP = 0x10000n;
const GUARD = 8n;

/** A dump's machine code held against what our JIT makes of the BPF beside it. */
export interface ComparedDump {
  profile: X86Profile;
  compared: ComparedSet;
  /** addresses of maps and kernel functions that were taken from the dump */
  learned: number;
}

/** The BPF as one profile's verifier hands it to its JIT, or why it does not (a text). Throws DumpMismatch. */
export type BpfFor = (profile: X86Profile) => Xlated | string;

/** The BPF that a dump of xlated instructions shows: whichever profile it is for. */
export const dumpedBpf = (bytes: Uint8Array, functions: readonly Recognised[]): BpfFor => {
  const xlated = xlatedProgram(bytes, functions);
  return () => xlated;
};

/**
 * Compile the BPF for each profile and compare; the profile that comes nearest wins, the first of several. Addresses that the dump does not
 * tell are taken from the machine code, each the same wherever it stands. Throws DumpMismatch when the two do not belong together.
 */
export function compareDump(
  name: string,
  bpf: BpfFor,
  functions: readonly Recognised[],
  profiles: readonly X86Profile[],
): ComparedDump {
  let best: ComparedDump | undefined;
  for (const profile of profiles) {
    const result = compareFor(name, bpf, functions, profile);
    if (!best || differing(result) < differing(best)) best = result;
    if (differing(best) === 0) break;
  }
  if (!best) throw new DumpMismatch("no profile to compile for");
  return best;
}

const differing = ({ compared }: ComparedDump): number =>
  compared.functions.filter(({ loaded }) => loaded).length + (compared.error === undefined ? 0 : 1);

function compareFor(name: string, bpf: BpfFor, functions: readonly Recognised[], profile: X86Profile): ComparedDump {
  const compared: ComparedSet = { set: name, family: "dump", functions: [], xlated: { same: 0, different: 0 } };
  const addresses = new Placeholders();
  let images: Image[] = [];
  try {
    const xlated = bpf(profile);
    if (typeof xlated === "string") throw new Error(xlated);
    images = compileProgram(name, xlated, profile, {
      symbol: (symbol) => addresses.of(symbol),
      map: (map) => addresses.of(`map ${map}`),
      mapValue: (map) => addresses.of(`value of ${map}`),
      place: (index) => functions[index].address,
      privateStack: (index) => privateStack(functions[index]),
    });
  } catch (error) {
    if (error instanceof DumpMismatch) throw error;
    compared.error = (error as Error).message;
  }
  compared.functions = functions.map((found, i) => compareFunction(found, images[i], addresses, compared.error));
  return { profile, compared, learned: addresses.learned };
}

const privateStack = ({ prologue }: Recognised): bigint =>
  BigInt.asUintN(64, (prologue?.privateStack ?? 0n) - GUARD - BigInt(prologue?.depth ?? 0));

/** Names that have no address yet, and what they turn out to be. */
class Placeholders {
  readonly #known = new Map<string, bigint>();
  readonly #real = new Map<bigint, bigint>();

  of(name: string): bigint {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const base = name.startsWith("map ") || name.startsWith("value of ") ? MAPS : SYMBOLS;
    const address = base + STEP * BigInt(this.#known.size + 1);
    this.#known.set(name, address);
    return address;
  }

  get learned(): number {
    return this.#real.size;
  }

  /** Whether `ours` stands for `theirs`: it does from the first time on. `ours` may lie behind a placeholder. */
  learn(ours: bigint, theirs: bigint): boolean {
    const placeholder = [...this.#known.values()].find((at) => ours >= at && ours < at + STEP);
    if (placeholder === undefined) return false;
    const real = theirs - (ours - placeholder);
    const before = this.#real.get(placeholder);
    if (before === undefined) this.#real.set(placeholder, real);
    return before === undefined || before === real;
  }
}

function compareFunction(
  { name, address, bytes }: Recognised,
  image: Image | undefined,
  addresses: Placeholders,
  error: string | undefined,
): ComparedFunction {
  if (!image)
    return {
      name,
      loaded: { offset: 0, ours: new Uint8Array(), theirs: bytes, address, missing: error ?? "no such function" },
    };
  const ours = image.bytes.slice();
  const theirPieces = new Map(takeApart(bytes).pieces.map((piece) => [piece.at, piece]));
  const patched = new Set([image.patchSite, ...image.pokes.flatMap(({ bypass, target }) => [bypass, target])]);
  for (const piece of takeApart(ours).pieces) {
    const theirs = theirPieces.get(piece.at);
    if (!theirs || theirs.length !== piece.length || theirs.hex === piece.hex) continue;
    const same = patched.has(piece.at)
      ? isPatchSite(piece) && isPatchSite(theirs)
      : isSameButForAddress(piece, theirs, address, addresses);
    if (same) ours.set(bytes.subarray(piece.at, piece.at + piece.length), piece.at);
  }
  if (Buffer.compare(ours, bytes) === 0) return { name };
  let offset = 0;
  while (offset < ours.length && ours[offset] === bytes[offset]) offset++;
  return { name, loaded: { offset, ours, theirs: bytes, address } };
}

/** Two instructions of the same bytes but for an address at their end. */
function isSameButForAddress(ours: Piece, theirs: Piece, address: bigint, addresses: Placeholders): boolean {
  if (ours.target !== undefined && theirs.target !== undefined) {
    if (ours.hex.slice(0, 2) !== theirs.hex.slice(0, 2) || ours.length !== 5) return false;
    return addresses.learn(
      BigInt.asUintN(64, address + BigInt(ours.target)),
      BigInt.asUintN(64, address + BigInt(theirs.target)),
    );
  }
  const wide = ours.hex.length === 20 && /^4[89]b/.test(ours.hex);
  const digits = wide ? 16 : 8;
  if (ours.hex.length < digits + 4 || ours.hex.slice(0, -digits) !== theirs.hex.slice(0, -digits)) return false;
  const value = ({ hex }: Piece): bigint => {
    const bytes = Buffer.from(hex.slice(-digits), "hex");
    return wide ? bytes.readBigUInt64LE() : BigInt.asUintN(64, BigInt(bytes.readInt32LE()));
  };
  return addresses.learn(value(ours), value(theirs));
}
