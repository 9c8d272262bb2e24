import type { TextLine } from "./lines.ts";
import { firstUnmatched, matchesLine, type Pattern, parsePatterns } from "./match.ts";

/** Pairs of pattern and line that are tried to be brought together. */
const MOST_PAIRS = 4_000_000;

/**
 * What the expected text should say, in its own notation: patterns that fit stay as they are, and so do gaps; lines take the place
 * of those that don't. So a difference of the two texts shows what is wrong, and the text can be blessed.
 */
export function actualText(patterns: readonly Pattern[], lines: readonly TextLine[]): string {
  const code = lines.filter(({ text }) => text !== "");
  const text = patterns.length * code.length > MOST_PAIRS ? undefined : merged(patterns, code);
  return text !== undefined && !firstUnmatched(parsePatterns(text), lines) ? text : textOf(lines.map(written));
}

const written = ({ text, pattern }: TextLine): string => pattern ?? text;
const textOf = (lines: readonly string[]): string => `${lines.join("\n").trimEnd()}\n`;

/** A pattern that fits is worth more than it costs to leave out a pattern and a line beside it. */
const FIT = 3;
const LEFT_OUT = -1;

/** Pattern `i` and line `j` next: what the best way from there is worth. */
class Alignment {
  readonly #patterns: readonly Pattern[];
  readonly #lines: readonly TextLine[];
  readonly #width: number;
  readonly #worth: Int32Array;

  constructor(patterns: readonly Pattern[], lines: readonly TextLine[]) {
    this.#patterns = patterns;
    this.#lines = lines;
    this.#width = lines.length + 1;
    this.#worth = new Int32Array((patterns.length + 1) * this.#width);
    for (let i = patterns.length - 1; i >= 0; i--)
      for (let j = lines.length; j >= 0; j--)
        this.#worth[i * this.#width + j] = Math.max(
          this.together(i, j),
          this.withoutPattern(i, j),
          this.withoutLine(i, j),
        );
  }

  at(i: number, j: number): number {
    return this.#worth[i * this.#width + j];
  }

  fits(i: number, j: number): boolean {
    const pattern = this.#patterns[i];
    return pattern.kind === "line" && matchesLine(pattern, this.#lines[j]);
  }

  together(i: number, j: number): number {
    if (j === this.#lines.length || this.#patterns[i].kind === "gap") return Number.NEGATIVE_INFINITY;
    return (this.fits(i, j) ? FIT : 0) + this.at(i + 1, j + 1);
  }

  withoutPattern(i: number, j: number): number {
    return (this.#patterns[i].kind === "gap" ? 0 : LEFT_OUT) + this.at(i + 1, j);
  }

  /** Lines in a gap and before the first pattern cost nothing. */
  withoutLine(i: number, j: number): number {
    if (j === this.#lines.length) return Number.NEGATIVE_INFINITY;
    return (i === 0 || this.#patterns[i].kind === "gap" ? 0 : LEFT_OUT) + this.at(i, j + 1);
  }
}

/** Undefined: no pattern fits anywhere. */
function merged(patterns: readonly Pattern[], lines: readonly TextLine[]): string | undefined {
  const alignment = new Alignment(patterns, lines);
  const texts: string[] = [];
  let fits = 0;
  for (let i = 0, j = 0; i < patterns.length; ) {
    const best = alignment.at(i, j);
    if (best === alignment.together(i, j)) {
      const isFit = alignment.fits(i, j);
      if (isFit) fits++;
      texts.push(isFit ? patterns[i].text : written(lines[j]));
      i++;
      j++;
    } else if (best === alignment.withoutPattern(i, j)) {
      if (patterns[i].kind === "gap") texts.push(patterns[i].text);
      i++;
    } else {
      if (i > 0 && patterns[i].kind === "line") texts.push(written(lines[j]));
      j++;
    }
  }
  return fits ? textOf(texts) : undefined;
}
