import type { Machine } from "../../../emulator/machine.ts";
import type { PlacedFunction } from "../../../emulator/placed.ts";
import { disassemble } from "../../import/x86/disassemble.ts";
import { type CodeLine, listImage } from "../code-listing.ts";
import type { CodeBook } from "../locate.ts";
import type { Instruction } from "./step.ts";

/** x86-64's longest instruction, bytes */
const LONGEST = 15;

/** Instructions by address, looked at once. The code must not change meanwhile: see forget(). */
export class Instructions {
  readonly #machine: Machine;
  readonly #book: CodeBook;
  readonly #known = new Map<bigint, Instruction>();
  readonly #listings = new Map<PlacedFunction, Map<number, CodeLine>>();

  constructor(machine: Machine, book: CodeBook) {
    this.#machine = machine;
    this.#book = book;
  }

  at(pc: bigint): Instruction {
    let found = this.#known.get(pc);
    if (!found) {
      found = this.#look(pc);
      this.#known.set(pc, found);
    }
    return found;
  }

  /** Code may have been patched. */
  forget(): void {
    this.#known.clear();
    this.#listings.clear();
  }

  /** "entry#subprog_tail+0x42", or the kernel symbol */
  readonly nameOf = (address: bigint): string | undefined => {
    const at = this.#machine.functionAt(address);
    if (!at) return this.#machine.symbols.nameAt(address);
    return at.offset ? `${at.func.image.name}+0x${at.offset.toString(16)}` : at.func.image.name;
  };

  #look(pc: bigint): Instruction {
    const at = this.#machine.functionAt(pc);
    if (!at) return this.#kernelCode(pc);
    const { func, offset } = at;
    const line = this.#listing(func).get(offset);
    const common = { pc, function: func.image.name, offset, func, isModel: false };
    if (line)
      return {
        ...common,
        bytes: line.bytes,
        asm: line.asm,
        from: line.from,
        ...(line.note ? { note: line.note } : {}),
      };
    const { bytes, asm } = this.#decode(pc);
    return { ...common, bytes, asm, from: [] };
  }

  #listing(func: PlacedFunction): Map<number, CodeLine> {
    let listing = this.#listings.get(func);
    if (!listing) {
      const bytes = this.#machine.memory.read(func.image.address, func.image.bytes.length);
      const lines = listImage({ ...func.image, bytes }, this.#book, this.nameOf);
      listing = new Map(lines.map((line) => [line.offset, line]));
      this.#listings.set(func, listing);
    }
    return listing;
  }

  #kernelCode(pc: bigint): Instruction {
    const [name, offset] = this.#symbolBelow(pc);
    return {
      pc,
      function: name,
      offset,
      ...this.#decode(pc),
      from: [],
      isModel: this.#machine.host.has(name) && offset === 0,
    };
  }

  /** The symbol that code of a few instructions belongs to. */
  #symbolBelow(pc: bigint): [string, number] {
    for (let offset = 0; offset < 256; offset++) {
      const name = this.#machine.symbols.nameAt(pc - BigInt(offset));
      if (name !== undefined) return [name, offset];
    }
    return [`0x${pc.toString(16)}`, 0];
  }

  #decode(pc: bigint): { bytes: Uint8Array; asm: string } {
    const window = this.#window(pc);
    const [line] = disassemble(window, pc);
    return line ? { bytes: window.subarray(0, line.length), asm: line.text } : { bytes: window, asm: "(no code)" };
  }

  #window(pc: bigint): Uint8Array {
    for (let length = LONGEST; length > 0; length--)
      try {
        return this.#machine.memory.read(pc, length);
      } catch {
        // less of it is mapped
      }
    return new Uint8Array();
  }
}
