/** A fixed sequence of numbers below `limit` (xorshift32): the same input for the same seed, everywhere. */
export class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 88675123) >>> 0 || 1;
  }

  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** Values that sizes, counts and places break at. */
const EDGES = [0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** A file with one to eight things wrong: bits, bytes, words at the edge of their range, a piece moved, cut or left out. */
export function mutated(original: Uint8Array, numbers: Numbers): Uint8Array {
  let bytes = Uint8Array.from(original);
  for (let times = 1 + numbers.below(8); times > 0 && bytes.length > 8; times--) {
    const at = numbers.below(bytes.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    switch (numbers.below(8)) {
      case 0:
        bytes[at] ^= 1 << numbers.below(8);
        break;
      case 1:
        bytes[at] = numbers.below(256);
        break;
      case 2:
      case 3:
        view.setUint32(Math.min(at & ~3, bytes.length - 4), numbers.pick(EDGES), true);
        break;
      case 4:
        view.setUint16(Math.min(at & ~1, bytes.length - 2), numbers.pick(EDGES) & 0xffff, true);
        break;
      case 5:
        bytes.copyWithin(at, numbers.below(bytes.length), numbers.below(bytes.length));
        break;
      case 6:
        // a word that is near another one: an index off by some
        view.setUint32(
          Math.min(at & ~3, bytes.length - 4),
          (view.getUint32(Math.min(at & ~3, bytes.length - 4), true) + numbers.below(17) - 8) >>> 0,
          true,
        );
        break;
      default:
        if (numbers.below(4) === 0) bytes = bytes.slice(0, at);
    }
  }
  return bytes;
}

/** Text with lines left out, doubled or swapped, words exchanged for odd ones, characters for others. */
export function mutatedText(original: string, words: readonly string[], numbers: Numbers): string {
  let lines = original.split("\n");
  for (let times = 1 + numbers.below(6); times > 0 && lines.length; times--) {
    const at = numbers.below(lines.length);
    const line = lines[at];
    switch (numbers.below(6)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(numbers.below(lines.length), 0, line);
        break;
      case 2: {
        const parts = line.split(" ");
        parts[numbers.below(parts.length)] = numbers.pick(words);
        lines[at] = parts.join(" ");
        break;
      }
      case 3: {
        const place = numbers.below(line.length + 1);
        lines[at] =
          line.slice(0, place) + String.fromCharCode(numbers.below(256)) + line.slice(place + numbers.below(2));
        break;
      }
      case 4:
        lines[at] = line.replace(/\d+/, () =>
          numbers.pick(["-1", "99999999999999999999", "0x", "4294967296", "65536"]),
        );
        break;
      default:
        if (numbers.below(4) === 0) lines = lines.slice(0, at);
    }
  }
  return lines.join("\n");
}
