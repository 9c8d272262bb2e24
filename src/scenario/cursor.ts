import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { UserError } from "../error.ts";
import { hint } from "../suggest.ts";
import { MAX_ALIASES, type SourceFile } from "./document.ts";
import { type Position, positionAt } from "./lines.ts";
import type { At, SourceText } from "./scenario.ts";

/** A YAML node, the keys that lead to it, and the file it stands in. Aliases are followed. */
export class Cursor implements Position {
  readonly file: SourceFile;
  readonly node: Node | null;
  readonly path: string;
  readonly line: number;
  readonly column: number;

  constructor(file: SourceFile, node: Node | null, path: string, fallback: Position = { line: 1, column: 1 }) {
    this.file = file;
    this.path = path;
    this.node = node;
    if (isAlias(node)) {
      if (++file.aliases > MAX_ALIASES) this.#throw(`more than ${MAX_ALIASES} aliases`, offsetOf(node));
      this.node =
        node.resolve(file.document) ??
        this.#throw(`expected the anchor &${node.source} above its alias`, offsetOf(node));
    }
    const offset = offsetOf(this.node);
    const at = offset === undefined ? fallback : positionAt(file.starts, offset);
    this.line = at.line;
    this.column = at.column;
  }

  /** Throws a UserError at this place, the path in front of the message. */
  fail(message: string): never {
    throw new UserError(this.path ? `${this.path}: ${message}` : message, this.#where(this));
  }

  /** Throws "expected ..., found ..." at this place. */
  expected(what: string): never {
    return this.fail(`expected ${what}, found ${describe(this.node)}`);
  }

  /** Throws `unknown WHAT "name"` with the one that was probably meant. */
  unknown(what: string, name: string, known: readonly string[]): never {
    return this.fail(`unknown ${what} "${name}"${hint(name, known)}`);
  }

  at<T>(value: T): At<T> {
    return { value, path: this.path, line: this.line, column: this.column };
  }

  position(): Position {
    return { line: this.line, column: this.column };
  }

  scalar(what: string): Scalar {
    return isScalar(this.node) ? this.node : this.expected(what);
  }

  /** The text with its place in the file. Only for a string. */
  source(): SourceText {
    const { value, range } = this.node as Scalar<string>;
    const [start, end] = range ?? [0, 0];
    return { text: value, start, end };
  }

  items(what: string): Cursor[] {
    if (!isSeq(this.node)) return this.expected(what);
    return (this.node as YAMLSeq<Node>).items.map((item, i) => new Cursor(this.file, item, this.#join(i), this));
  }

  /** Key and value of each pair, in order. A key that is no scalar, or that occurs twice, is an error. */
  entries(what: string): { key: Cursor; name: string; value: Cursor }[] {
    if (!isMap(this.node)) return this.expected(what);
    const seen = new Map<string, Cursor>();
    return (this.node as YAMLMap<Node, Node | null>).items.map(({ key: node, value }) => {
      const key = new Cursor(this.file, node, this.path, this);
      const scalar = isScalar(key.node) ? key.node.value : undefined;
      if (typeof scalar !== "string" && typeof scalar !== "bigint")
        return key.expected("a name or an integer as the key");
      const name = String(scalar);
      const first = seen.get(name);
      if (first) key.fail(`"${name}" is here twice; the first is in line ${first.line}`);
      seen.set(name, key);
      return { key, name, value: new Cursor(this.file, value, this.#join(name), key) };
    });
  }

  get isMap(): boolean {
    return isMap(this.node);
  }

  get isSeq(): boolean {
    return isSeq(this.node);
  }

  #join(key: string | number): string {
    return this.path ? `${this.path}.${key}` : String(key);
  }

  #where({ line, column }: Position) {
    return { file: this.file.name, line, column };
  }

  #throw(message: string, offset = 0): never {
    throw new UserError(message, this.#where(positionAt(this.file.starts, offset)));
  }
}

const offsetOf = (node: Node | null) => node?.range?.[0];

/** What a node is, for "found ...". */
function describe(node: Node | null): string {
  if (isMap(node)) return "a mapping";
  if (isSeq(node)) return "a list";
  const value = isScalar(node) ? node.value : undefined;
  if (value === null || value === undefined) return "nothing";
  if (typeof value !== "string") return String(value);
  const line = value.trimEnd();
  return line.includes("\n")
    ? "several lines of text"
    : JSON.stringify(line.length > 40 ? `${line.slice(0, 39)}…` : line);
}
