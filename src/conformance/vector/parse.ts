import { UserError, type Where } from "../../error.ts";
import { hint } from "../../suggest.ts";
import { VECTOR_FLAGS, type Vector, type VectorFlag, type VectorRun } from "./format.ts";

/** An instruction takes 8 bytes, and BPF_COMPLEXITY_LIMIT_INSNS is the longest program there is. */
const MAX_INSNS = 1_000_000;
const MAX_STACK = 512;
const MAX_DATA = 65_535;
const MAX_RUNS = 10_000;

/** One line of a vector file. Throws UserError with the place and what was expected. */
export function parseVector(text: string, where: Where): Vector {
  const fields = new Fields(parseJson(text, where), text, where);
  const name = fields.string("name");
  const language = fields.oneOf("language", ["cbpf", "ebpf"]);
  const insns = fields.hex("insns");
  if (insns.length === 0 || insns.length % 8 || insns.length > 8 * MAX_INSNS)
    fields.wrong("insns", `${insns.length} bytes`, `1 to ${MAX_INSNS} instructions of 8 bytes`);
  fields.same("n_insns", insns.length / 8);
  const flags = new Set(fields.list("flags", (flag) => fields.flag(flag)));
  const runs = fields.list("runs", (run) => runOf(fields, run));
  if (runs.length === 0) fields.wrong("runs", "none", "at least one run");
  if (runs.length > MAX_RUNS) fields.wrong("runs", `${runs.length}`, `at most ${MAX_RUNS} runs`);
  return {
    name,
    language,
    insns,
    flags,
    stackDepth: fields.number("stack_depth", 0, MAX_STACK, 0),
    expectedErrcode: fields.number("expected_errcode", -4095, 0, 0),
    data: fields.hex("data", ""),
    fragData: fields.hex("frag_data", ""),
    runs,
  };
}

function runOf(fields: Fields, value: unknown): VectorRun {
  const run = value as { data_size?: unknown; result?: unknown } | null;
  const isRun = typeof run === "object" && run !== null;
  const size = isRun ? (run.data_size ?? 0) : undefined;
  const result = isRun ? run.result : undefined;
  if (!isInteger(size, 0, MAX_DATA) || !isInteger(result, 0, 0xffffffff))
    return fields.wrong("runs", shown(value), `{data_size: 0..${MAX_DATA}, result: u32}`);
  return { dataSize: size, result };
}

const isInteger = (value: unknown, low: number, high: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= low && value <= high;

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
};

function parseJson(text: string, where: Where): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const at = /position (\d+)/.exec((error as Error).message);
    throw new UserError("is no JSON here (cut short?)", { ...where, column: (at ? Number(at[1]) : text.length) + 1 });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UserError(`expected a JSON object, found ${shown(value)}`, { ...where, column: 1 });
  return value as Record<string, unknown>;
}

/** The fields of one object; complaints point at the field's name in the text. */
class Fields {
  readonly #value: Record<string, unknown>;
  readonly #text: string;
  readonly #where: Where;

  constructor(value: Record<string, unknown>, text: string, where: Where) {
    this.#value = value;
    this.#text = text;
    this.#where = where;
  }

  wrong(field: string, found: string, expected: string): never {
    const column = Math.max(0, this.#text.indexOf(`"${field}"`)) + 1;
    throw new UserError(`${field}: expected ${expected}, found ${found}`, { ...this.#where, column });
  }

  string(field: string): string {
    const value = this.#value[field];
    return typeof value === "string" && value ? value : this.wrong(field, shown(value), "text");
  }

  oneOf<T extends string>(field: string, known: readonly T[]): T {
    const value = this.#value[field];
    return known.find((name) => name === value) ?? this.wrong(field, shown(value), known.join(" or "));
  }

  /** Throws where the field is there and says something else. */
  same(field: string, is: number): void {
    const value = this.#value[field];
    if (value !== undefined && value !== is) this.wrong(field, shown(value), `${is}, as insns has it`);
  }

  number(field: string, low: number, high: number, otherwise: number): number {
    const value = this.#value[field] ?? otherwise;
    return isInteger(value, low, high) ? value : this.wrong(field, shown(value), `a number from ${low} to ${high}`);
  }

  hex(field: string, otherwise?: string): Uint8Array {
    const value = this.#value[field] ?? otherwise;
    const isHex = typeof value === "string" && value.length % 2 === 0 && /^[0-9a-f]*$/i.test(value);
    if (isHex) return Uint8Array.from(Buffer.from(value, "hex"));
    const odd = typeof value === "string" && /^[0-9a-f]*$/i.test(value);
    return this.wrong(field, odd ? "an odd number of digits" : shown(value), "hex bytes");
  }

  list<T>(field: string, item: (value: unknown) => T): T[] {
    const value = this.#value[field] ?? [];
    return Array.isArray(value) ? value.map(item) : this.wrong(field, shown(value), "a list");
  }

  flag(value: unknown): VectorFlag {
    const known = VECTOR_FLAGS.find((flag) => flag === value);
    if (known) return known;
    const text = typeof value === "string" ? value : shown(value);
    throw new UserError(`unknown flag "${text}"${hint(text, VECTOR_FLAGS)}`, {
      ...this.#where,
      column: Math.max(0, this.#text.indexOf('"flags"')) + 1,
    });
  }
}
