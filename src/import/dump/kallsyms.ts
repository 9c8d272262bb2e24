import { DumpText } from "./text.ts";

/** Lines: a kernel with all modules has a fifth of it. */
const MOST = 2_000_000;
const LINE = /^([0-9a-fA-F]{1,16}) ([a-zA-Z?]) (\S+)(?:\s+\[(\S+)\])?\s*$/;

/** Addresses and names of the kernel that a dump is from. */
export class Kallsyms {
  readonly #byName = new Map<string, bigint[]>();
  readonly #byAddress = new Map<bigint, string>();

  /** /proc/kallsyms, all of it or what somebody cut out. Throws UserError. */
  constructor(content: string, file: string) {
    const text = new DumpText(content, file);
    if (text.lines.length > MOST) text.fail(`has more than ${MOST} lines`, { line: MOST, column: 1 });
    let zeros = 0;
    text.lines.forEach((line, index) => {
      if (!line.trim() || line.startsWith("#")) return;
      const [, address, , name] = LINE.exec(line) ?? [];
      if (name === undefined)
        text.fail('expected an address, a type and a name, such as "ffffffff81000000 T _text"', {
          line: index + 1,
          column: 1,
        });
      const at = BigInt(`0x${address}`);
      if (at === 0n) zeros++;
      else this.#add(name, at);
    });
    if (!this.#byName.size)
      text.fail(
        zeros
          ? "all addresses are 0: read /proc/kallsyms as root, with kernel.kptr_restrict at 0 or 1"
          : "has no symbols",
        { line: 1, column: 1 },
      );
  }

  #add(name: string, address: bigint): void {
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), address]);
    if (!this.#byAddress.has(address)) this.#byAddress.set(address, name);
  }

  /** In the order of the file; several functions may have one name. */
  addresses(name: string): readonly bigint[] {
    return this.#byName.get(name) ?? [];
  }

  nameAt(address: bigint): string | undefined {
    return this.#byAddress.get(address);
  }
}
