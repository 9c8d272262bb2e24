import type { Cost, Rewritten, RewrittenFunction, Row } from "../../runner/code/rewritten.ts";
import type { Colors } from "../report.ts";

/** Columns that an instruction as loaded may take; what is longer moves the rest of its line. */
const MOST = 44;

/** Instructions as loaded and as rewritten side by side, and what was saved. */
export function* listXlated(all: readonly Rewritten[], colors: Colors) {
  for (const [i, { profile, programs, runs }] of all.entries()) {
    if (i > 0) yield "\n";
    for (const [p, { name, functions }] of programs.entries()) {
      yield `${p > 0 ? "\n" : ""}${colors.bold(name)} ${colors.dim(`on ${profile}`)}\n`;
      for (const fn of functions) {
        yield `\n${colors.bold(`${fn.name}:`)} ${colors.dim(summary(fn))}\n`;
        yield* side(fn.rows, colors);
      }
    }
    if (runs) yield `\n${runs.kept ? saved(runs.removed, runs.kept) : alone(runs.removed)}\n`;
  }
}

function summary({ loaded, xlated, pairs, stack, stackKept, code, codeKept }: RewrittenFunction): string {
  const facts = [`${loaded} instructions become ${xlated}`];
  if (pairs) facts.push(`${2 * pairs} spills and fills removed`);
  facts.push(`stack ${stackKept !== undefined && stackKept !== stack ? `${stackKept} -> ` : ""}${stack} bytes`);
  facts.push(`code ${codeKept !== undefined && codeKept !== code ? `${codeKept} -> ` : ""}${code} bytes`);
  return facts.join(", ");
}

function* side(rows: readonly Row[], colors: Colors) {
  const before = rows.map(({ loaded: { slot, text } }) => `${String(slot).padStart(4)}: ${text}`);
  const width = before.reduce((most, text) => (text.length <= MOST ? Math.max(most, text.length) : most), 0);
  for (const [i, { loaded, xlated }] of rows.entries()) {
    const gone = xlated.length === 0;
    const left = gone ? colors.red(before[i]) : before[i].padEnd(width);
    const texts = xlated.map(({ slot, text }) => {
      const line = `${String(slot).padStart(4)}: ${text}`;
      return text === loaded.text ? line : colors.green(line);
    });
    yield `${gone ? left : `${left}  ${texts[0]}`}\n`;
    for (const text of texts.slice(1)) yield `${" ".repeat(width)}  ${text}\n`;
  }
}

const figures = ({ instructions, maxStack }: Cost): string =>
  `${instructions} machine instructions, ${maxStack} bytes of stack`;

const saved = (removed: Cost, kept: Cost): string =>
  `run: ${figures(removed)}; with the spills and fills kept ${figures(kept)}: ` +
  `saved ${kept.instructions - removed.instructions} and ${kept.maxStack - removed.maxStack}`;

const alone = (removed: Cost): string =>
  `run: ${figures(removed)}; with the spills and fills kept it does not fit the stack`;

/** The same as JSON. */
export const xlatedJson = (all: readonly Rewritten[]): string =>
  `${JSON.stringify({ programs: all.flatMap(flat) }, null, 2)}\n`;

const flat = ({ profile, programs, runs }: Rewritten) =>
  programs.map(({ name, functions }) => ({ program: name, profile, functions, ...(runs ? { runs } : {}) }));
