import { UserError } from "../../error.ts";
import type { Position } from "./dump.ts";

/** A JSON value that knows where it stands: `at` counts characters from the text's start. */
export type JsonNode = { at: number } & (
  | { kind: "object"; entries: Map<string, JsonNode> }
  | { kind: "array"; items: JsonNode[] }
  | { kind: "string"; value: string }
  | { kind: "number"; value: number }
  | { kind: "literal"; value: boolean | null }
);

/** Values in values; what tools write has a handful. */
const DEEPEST = 64;

const WORDS: Record<JsonNode["kind"], string> = {
  object: "an object",
  array: "a list",
  string: "a text",
  number: "a number",
  literal: "true, false or null",
};

/** A JSON text, read so that whoever expects something else of it can say where. All errors are UserErrors with line and column. */
export class JsonText {
  readonly root: JsonNode;
  readonly #text: string;
  readonly #file: string;
  #at = 0;

  /** Throws UserError where it is no JSON. */
  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.root = this.#value(0);
    this.#space();
    if (this.#at < text.length) this.#unexpected("the end");
  }

  position(at: number): Position {
    const before = this.#text.slice(0, at);
    const line = before.split("\n").length;
    return { line, column: at - before.lastIndexOf("\n") };
  }

  fail(message: string, at: number): never {
    throw new UserError(message, { file: this.#file, ...this.position(at) });
  }

  #unexpected(expected: string): never {
    const char = this.#text[this.#at];
    this.fail(
      char === undefined
        ? `ends here; expected ${expected} (cut short?)`
        : `"${char}" is no JSON; expected ${expected}`,
      this.#at,
    );
  }

  #space(): void {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #value(depth: number): JsonNode {
    this.#space();
    const at = this.#at;
    if (depth > DEEPEST) this.fail(`values are nested deeper than ${DEEPEST}`, at);
    const char = this.#text[at];
    if (char === "{") return this.#object(depth);
    if (char === "[") return this.#array(depth);
    if (char === '"') return { kind: "string", at, value: this.#string() };
    const scalar = /(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y;
    scalar.lastIndex = at;
    const word = scalar.exec(this.#text)?.[0];
    if (word === undefined) this.#unexpected("a value");
    this.#at += word.length;
    if (/^[tfn]/.test(word)) return { kind: "literal", at, value: word === "null" ? null : word === "true" };
    return { kind: "number", at, value: Number(word) };
  }

  #object(depth: number): JsonNode {
    const at = this.#at++;
    const entries = new Map<string, JsonNode>();
    for (this.#space(); this.#text[this.#at] !== "}"; this.#space()) {
      if (entries.size && this.#text[this.#at++] !== ",") this.#back('"," or "}"');
      this.#space();
      if (this.#text[this.#at] !== '"') this.#unexpected("a name");
      const name = this.#string();
      this.#space();
      if (this.#text[this.#at++] !== ":") this.#back('":"');
      const value = this.#value(depth + 1);
      // bpftool repeats names (a line of the source for each instruction it covers)
      entries.set(name, value);
    }
    this.#at++;
    return { kind: "object", at, entries };
  }

  #array(depth: number): JsonNode {
    const at = this.#at++;
    const items: JsonNode[] = [];
    for (this.#space(); this.#text[this.#at] !== "]"; this.#space()) {
      if (items.length && this.#text[this.#at++] !== ",") this.#back('"," or "]"');
      items.push(this.#value(depth + 1));
    }
    this.#at++;
    return { kind: "array", at, items };
  }

  #back(expected: string): never {
    this.#at--;
    this.#unexpected(expected);
  }

  #string(): string {
    const pattern = /"(?:[^"\\\n]|\\.)*"/y;
    pattern.lastIndex = this.#at;
    const raw = pattern.exec(this.#text)?.[0];
    if (raw === undefined) this.fail("this text has no end (cut short?)", this.#at);
    const at = this.#at;
    this.#at += raw.length;
    try {
      return JSON.parse(raw.replace(/\p{Cc}/gu, "?")) as string;
    } catch {
      this.fail("this text has an escape that JSON doesn't know", at);
    }
  }

  object(node: JsonNode, what: string): Map<string, JsonNode> {
    if (node.kind !== "object") this.#wrong(node, what, "object");
    return node.entries;
  }

  array(node: JsonNode, what: string): JsonNode[] {
    if (node.kind !== "array") this.#wrong(node, what, "array");
    return node.items;
  }

  string(node: JsonNode, what: string): string {
    if (node.kind !== "string") this.#wrong(node, what, "string");
    return node.value;
  }

  /** "0x0f", as bpftool writes numbers, up to `most`. */
  hex(node: JsonNode, what: string, most: number): number {
    const text = this.string(node, what);
    const value = /^0x[0-9a-fA-F]{1,8}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= most))
      this.fail(`${what}: "${text.slice(0, 20)}" is no number like "0x0f", at most 0x${most.toString(16)}`, node.at);
    return value;
  }

  #wrong(node: JsonNode, what: string, expected: JsonNode["kind"]): never {
    this.fail(`${what} is ${WORDS[node.kind]}; expected ${WORDS[expected]}`, node.at);
  }
}
