/** A place in a file the user wrote; line and column are 1-based. */
export interface Where {
  file?: string;
  line?: number;
  column?: number;
}

/**
 * Something the user can put right: bad input or bad usage. The command line prints `location()` and the message on one line,
 * without a stack trace, and exits with 2. The message says what was expected.
 */
export class UserError extends Error {
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(message: string, where: Where = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = "UserError";
    this.file = where.file;
    this.line = where.line;
    this.column = where.column;
  }

  /** `file:line:column`, as far as known; "jitproof" when no file is to blame. */
  location(): string {
    if (this.file === undefined) return "jitproof";
    return [this.file, this.line, this.column].filter((part) => part !== undefined).join(":");
  }
}

/** Text for one line of a terminal: control characters, line breaks and escape sequences are spelled out. */
export function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, " ")
    .replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
