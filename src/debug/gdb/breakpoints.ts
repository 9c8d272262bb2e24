import type { Targets, Watchpoint } from "../timeline/search.ts";
import { hexNumber } from "./packet.ts";

const SOFTWARE = "0";
const HARDWARE = "1";
/** Z2, Z3, Z4 */
const WATCH: Record<string, Pick<Watchpoint, "reads" | "writes">> = {
  "2": { reads: false, writes: true },
  "3": { reads: true, writes: false },
  "4": { reads: true, writes: true },
};
/** Bytes that one watchpoint may span. */
const LARGEST_WATCH = 1 << 20;

/** What gdb has inserted. Both kinds of breakpoints leave memory as it is. */
export class Breakpoints {
  /** by address: the kinds that are there */
  readonly #breakpoints = new Map<bigint, Set<string>>();
  /** by their packet's text */
  readonly #watchpoints = new Map<string, Watchpoint>();

  /** Carry out a `Z` or `z` packet, e.g. "Z0,ffffffffc0000000,1"; the reply. */
  change(packet: string): string {
    const [head, addressText, sizeText] = packet.split(";")[0].split(",");
    const kind = head.slice(1);
    const address = hexNumber(addressText);
    const size = hexNumber(sizeText);
    const isWatch = kind in WATCH;
    if (kind !== SOFTWARE && kind !== HARDWARE && !isWatch) return "";
    if (address === undefined || size === undefined || (isWatch && (size < 1n || size > LARGEST_WATCH))) return "E16";
    const insert = packet.startsWith("Z");
    if (isWatch) this.#watch(insert, `${kind},${address},${size}`, { address, size: Number(size), ...WATCH[kind] });
    else this.#break(insert, kind, address);
    return "OK";
  }

  #watch(insert: boolean, key: string, watchpoint: Watchpoint): void {
    if (insert) this.#watchpoints.set(key, watchpoint);
    else this.#watchpoints.delete(key);
  }

  #break(insert: boolean, kind: string, address: bigint): void {
    const kinds = this.#breakpoints.get(address) ?? new Set();
    if (insert) kinds.add(kind);
    else kinds.delete(kind);
    if (kinds.size) this.#breakpoints.set(address, kinds);
    else this.#breakpoints.delete(address);
  }

  /** "swbreak" or "hwbreak"; undefined: there is no breakpoint. */
  kindAt(address: bigint): "swbreak" | "hwbreak" | undefined {
    const kinds = this.#breakpoints.get(address);
    return kinds && (kinds.has(SOFTWARE) ? "swbreak" : "hwbreak");
  }

  get targets(): Targets {
    return { breakpoints: new Set(this.#breakpoints.keys()), watchpoints: [...this.#watchpoints.values()] };
  }
}
