import { Reader } from "../reader.ts";
import { decodeType, KINDS, typeSize } from "./decode.ts";
import type { BtfKind, BtfType } from "./types.ts";

const MAGIC = 0xeb9f;
const VERSION = 1;
const HEADER_SIZE = 24;
/** BTF_MAX_TYPE */
const MOST_TYPES = 0xfffff;
/** Modifiers and typedefs in a row; the kernel allows 32 (MAX_RESOLVE_DEPTH). */
const MOST_STEPS = 32;
const VOID: BtfType = { kind: "void", name: "" };

/**
 * Types of an object file (section .BTF) or a kernel (/sys/kernel/btf/vmlinux): little-endian raw BTF. A type is decoded when it is first asked
 * for. All methods throw FormatError for what the format does not allow.
 */
export class Btf {
  readonly #types: Reader;
  readonly #strings: Reader;
  /** offset of type id + 1 in the type section */
  readonly #starts: number[] = [];
  readonly #decoded: (BtfType | undefined)[] = [];
  #byName: Map<string, number[]> | undefined;

  constructor(bytes: Uint8Array, what = "BTF") {
    const file = new Reader(bytes, what);
    const magic = file.u16(0);
    if (magic === 0x9feb) file.fail("is big-endian; expected little-endian");
    if (magic !== MAGIC)
      file.fail(`expected BTF, which begins with 9f eb; found ${hexByte(bytes[0])} ${hexByte(bytes[1])}`, 0);
    if (file.u8(2) !== VERSION) file.fail(`has version ${file.u8(2)}; expected ${VERSION}`, 2);
    const header = file.u32(4);
    if (header < HEADER_SIZE) file.fail(`has a header of ${header} bytes; expected at least ${HEADER_SIZE}`, 4);
    const types = file.slice(header + file.u32(8), file.u32(12));
    const strings = file.slice(header + file.u32(16), file.u32(20));
    this.#types = new Reader(types, `${what}, types`);
    this.#strings = new Reader(strings, `${what}, strings`);
    if (strings[0] !== 0) this.#strings.fail("expected to begin with a NUL byte", 0);
    this.#index();
  }

  #index(): void {
    const types = this.#types;
    for (let at = 0; at < types.length; at += typeSize(types, at)) {
      if (this.#starts.length >= MOST_TYPES) types.fail(`has more than ${MOST_TYPES} types`, at);
      this.#starts.push(at);
    }
  }

  /** Number of types, void not counted: ids are 1 to this. */
  get count(): number {
    return this.#starts.length;
  }

  /** Text at an offset of the string section. */
  text(offset: number): string {
    return offset === 0 ? "" : this.#strings.text(offset);
  }

  type(id: number): BtfType {
    if (id === 0) return VOID;
    const known = this.#decoded[id];
    if (known) return known;
    if (id > this.#starts.length) this.#types.fail(`there is no type ${id}, the last is ${this.#starts.length}`);
    const type = decodeType(this.#types, this.#starts[id - 1], (offset) => this.text(offset));
    this.#decoded[id] = type;
    return type;
  }

  kind(id: number): BtfKind {
    return id === 0 || id > this.#starts.length
      ? this.type(id).kind
      : KINDS[(this.#types.u32(this.#starts[id - 1] + 4) >>> 24) & 31];
  }

  /** Id of the type behind const, volatile, restrict, typedefs and type tags. */
  strip(id: number): number {
    let at = id;
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const type = this.type(at);
      switch (type.kind) {
        case "const":
        case "volatile":
        case "restrict":
        case "typedef":
        case "type_tag":
          at = type.type;
          break;
        default:
          return at;
      }
    }
    return this.#types.fail(`type ${id} is a chain of more than ${MOST_STEPS} names`);
  }

  /** The type behind const, volatile, restrict, typedefs and type tags. */
  plain(id: number): BtfType {
    return this.type(this.strip(id));
  }

  /** Bytes of a value of the type; undefined: it has no size (void, functions, forward declarations). */
  sizeOf(id: number): number | undefined {
    let count = 1;
    for (let at = id, steps = 0; steps < MOST_STEPS; steps++) {
      const type = this.plain(at);
      if (type.kind === "array") {
        count *= type.count;
        at = type.type;
      } else if (type.kind === "ptr") return count * 8;
      else if (type.kind === "var") at = type.type;
      else return "size" in type ? count * type.size : undefined;
    }
    return this.#types.fail(`type ${id} is an array of more than ${MOST_STEPS} dimensions`);
  }

  /** Ids of the types of that name and of one of these kinds, ascending. */
  find(name: string, ...kinds: BtfKind[]): number[] {
    this.#byName ??= this.#names();
    return (this.#byName.get(name) ?? []).filter((id) => kinds.includes(this.kind(id)));
  }

  /** Every name that a type has. */
  names(): Iterable<string> {
    this.#byName ??= this.#names();
    return this.#byName.keys();
  }

  #names(): Map<string, number[]> {
    const texts = new Map<number, string>();
    const names = new Map<string, number[]>();
    this.#starts.forEach((start, i) => {
      const offset = this.#types.u32(start);
      if (offset === 0) return;
      const name = texts.get(offset) ?? this.text(offset);
      texts.set(offset, name);
      const ids = names.get(name);
      if (ids) ids.push(i + 1);
      else names.set(name, [i + 1]);
    });
    return names;
  }
}

const hexByte = (byte: number): string => byte.toString(16).padStart(2, "0");
