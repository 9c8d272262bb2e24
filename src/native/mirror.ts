import type { Kernel } from "../../emulator/kernel.ts";
import { DIRECT_MAP_SIZE, JIT_SIZE, TEXT_SIZE } from "../../emulator/layout.ts";
import type { KernelMap } from "../../emulator/maps/map.ts";
import type { Script } from "./script.ts";

/** Addresses that a process can have: text and JIT region within 2 GB of each other. */
export const USER_LAYOUT = {
  textBase: 0x1000_0000n,
  bases: { directMap: 0x1000_0000_0000n, jit: 0x1100_0000n, stack: 0x2000_0000_0000n },
};
/** Bytes of kernel text that thunks and C functions take. */
const TEXT_USED = 0x10000;
const PAGE = 4096;

/** A machine's memory in the process on the CPU: sends what changed there, and compares what changed here. */
export class Mirror {
  readonly #kernel: Kernel;
  /** the direct map as the process has it */
  #sent: Uint8Array = new Uint8Array();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Commands that begin a script. */
  begin(script: Script): void {
    const { machine } = this.#kernel;
    const { textBase, bases } = USER_LAYOUT;
    script.map(textBase, TEXT_SIZE);
    script.map(bases.jit, JIT_SIZE);
    script.map(bases.directMap, DIRECT_MAP_SIZE);
    script.gs(machine.percpu.offsets[0]);
    this.#sent = new Uint8Array();
  }

  /** The code of the programs that are loaded, thunks, and what of the direct map the process does not have. */
  send(script: Script): void {
    const { machine } = this.#kernel;
    script.write(USER_LAYOUT.textBase, machine.memory.read(USER_LAYOUT.textBase, TEXT_USED));
    for (const { image } of machine.functions)
      script.write(image.address, machine.memory.read(image.address, image.bytes.length));
    for (const { at, bytes } of this.#changed()) script.write(USER_LAYOUT.bases.directMap + BigInt(at), bytes);
  }

  /** Compares the pages that have changed since send(), and those of the maps; returns the answers' indices. */
  compare(script: Script): number[] {
    const { directMap } = USER_LAYOUT.bases;
    const pages = new Map<number, Uint8Array>(this.#changed().map(({ at, bytes }) => [at, bytes]));
    for (const map of this.#kernel.maps.values()) {
      const at = pageOf(map);
      pages.set(at, this.#sent.slice(at, at + PAGE));
    }
    return [...pages].map(([at, bytes]) => script.compare(directMap + BigInt(at), bytes));
  }

  /** Pages of the direct map that are not as they were sent; from now on they count as sent. */
  #changed(): { at: number; bytes: Uint8Array }[] {
    const { machine } = this.#kernel;
    const { directMap } = USER_LAYOUT.bases;
    const size = (Number(machine.heap.next - directMap) + PAGE - 1) & ~(PAGE - 1);
    const now = machine.memory.read(directMap, size);
    const changed: { at: number; bytes: Uint8Array }[] = [];
    for (let at = 0; at < size; at += PAGE) {
      const bytes = now.subarray(at, at + PAGE);
      const before = at < this.#sent.length ? this.#sent.subarray(at, at + PAGE) : ZEROS;
      if (Buffer.compare(bytes, before) !== 0) changed.push({ at, bytes });
    }
    this.#sent = now;
    return changed;
  }
}

const ZEROS = new Uint8Array(PAGE);
const pageOf = ({ address }: KernelMap): number => Number(address - USER_LAYOUT.bases.directMap) & ~(PAGE - 1);
