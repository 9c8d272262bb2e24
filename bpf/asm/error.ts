/**
 * The first thing wrong with a text of BPF assembly: where, what stood there and what could have stood there.
 * Line and column are 1-based; columns count UTF-16 units.
 */
export class AsmError extends Error {
  override readonly name = "AsmError";
  readonly line: number;
  readonly column: number;
  readonly found: string;
  readonly expected: string;
  /** a name that was probably meant */
  readonly suggestion: string | undefined;

  constructor(line: number, column: number, found: string, expected: string, suggestion?: string) {
    const hint = suggestion === undefined ? "" : `; did you mean ${suggestion}?`;
    super(`${line}:${column}: expected ${expected}, found ${found}${hint}`);
    this.line = line;
    this.column = column;
    this.found = found;
    this.expected = expected;
    this.suggestion = suggestion;
  }
}
