import type { TextLine } from "./lines.ts";

/** A line of an expected text: a pattern, or "..." for any number of lines. `text` is as written, `line` 1-based. */
export type Pattern = { text: string; line: number } & ({ kind: "gap" } | { kind: "line"; regExp: RegExp });

/** A `{{regex}}` that is none; `line` is 1-based. */
export class PatternError extends Error {
  override name = "PatternError";
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/** The patterns of a text, one a line; empty lines are none. Throws PatternError. */
export function parsePatterns(text: string): Pattern[] {
  return text.split("\n").flatMap((content, i): Pattern[] => {
    const line = i + 1;
    const trimmed = content.trim();
    if (trimmed === "") return [];
    if (trimmed === "...") return [{ kind: "gap", text: content, line }];
    return [{ kind: "line", text: content, line, regExp: lineRegExp(trimmed, line) }];
  });
}

/** Text as it is but for white space, `{{...}}` as an extended regular expression. */
function lineRegExp(text: string, line: number): RegExp {
  const parts = text.split(/\{\{(.*?)\}\}/);
  const source = parts.map((part, i) => (i % 2 ? `(?:${fromPosix(part)})` : literal(part))).join("");
  try {
    return new RegExp(source);
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: \/.*\/\w*: /s, "");
    throw new PatternError(`${text}: {{...}} is no regular expression: ${why.toLowerCase()}`, line);
  }
}

const literal = (text: string): string => text.replace(/\s+/g, " ").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

const POSIX_CLASSES: Record<string, string> = {
  alnum: "A-Za-z0-9",
  alpha: "A-Za-z",
  blank: " \\t",
  digit: "0-9",
  lower: "a-z",
  space: "\\s",
  upper: "A-Z",
  xdigit: "A-Fa-f0-9",
};

/** Extended POSIX regular expressions know classes such as [[:xdigit:]]; a tab is a blank in our lines. */
const fromPosix = (regex: string): string =>
  regex.replace(/\[:(\w+):\]/g, (all, name) => POSIX_CLASSES[name] ?? all).replaceAll("\t", " ");

export const matchesLine = ({ regExp }: { regExp: RegExp }, { text, also }: TextLine): boolean =>
  regExp.test(text) || (also !== undefined && regExp.test(also));

/**
 * The rules of the kernel's selftests (validate_msgs, test_loader.c): each pattern matches part of the first line after the one
 * before that it can match; that must be the very next line, unless "..." stands between. The first may be anywhere, and nothing is
 * said about what follows the last. Returns the first pattern that fails, undefined when all match.
 */
export function firstUnmatched(patterns: readonly Pattern[], lines: readonly TextLine[]): Pattern | undefined {
  let previous = -1;
  let consecutive = false;
  for (const pattern of patterns) {
    if (pattern.kind === "gap") {
      consecutive = false;
      continue;
    }
    let at = previous + 1;
    while (at < lines.length && !matchesLine(pattern, lines[at])) at++;
    if (at === lines.length || (consecutive && at !== previous + 1)) return pattern;
    previous = at;
    consecutive = true;
  }
  return undefined;
}
