import { Interpreter } from "../../bpf/interpreter/interpreter.ts";
import { linkXlated } from "../../bpf/interpreter/link.ts";
import { type HelperTable, UnknownHelper } from "../../bpf/interpreter/runnable.ts";
import { FlatMemory, type Memory } from "../../bpf/memory.ts";
import type { Structs } from "../../bpf/structs.ts";
import type { SkbRoom } from "../../emulator/context/skb.ts";
import { CLASSIC_HELPERS } from "../../emulator/helpers/classic.ts";
import type { Entry, Execution, ExecutionSettings, Loaded, Prepared } from "./execution.ts";

const HEAP = 0xffff888100000000n;
/** Between two objects nothing is mapped, so that what reaches beyond one faults. */
const GAP = 4096n;

type ByteOrder = "little" | "big";

/** Memory that a run starts with: objects appear where they are asked for. */
export function newRoom(memory: FlatMemory, structs: Structs, byteOrder: ByteOrder): SkbRoom {
  let next = HEAP;
  const take = (size: number | bigint): bigint => {
    const address = next;
    memory.map(address, Number(size));
    next = ((address + BigInt(size) + 63n) & ~63n) + GAP;
    return address;
  };
  const view = byteOrder === "little" ? memory : bigEndian(memory);
  return { memory: view, heap: { take }, layout: { structs }, byteOrder };
}

/** Memory whose numbers have their highest byte first. */
function bigEndian(memory: FlatMemory): Memory {
  const swap = (value: bigint, size: number): bigint => {
    let swapped = 0n;
    for (let i = 0, rest = value; i < size; i++, rest >>= 8n) swapped = (swapped << 8n) | (rest & 0xffn);
    return swapped;
  };
  return {
    load: (address, size) => swap(memory.load(address, size), size),
    store: (address, size, value) => memory.store(address, size, swap(BigInt.asUintN(8 * size, value), size)),
    read: (address, length) => memory.read(address, length),
    write: (address, bytes) => memory.write(address, bytes),
  };
}

const noAddress = (name: string): never => {
  throw new RangeError(`there is no ${name} here`);
};

/** The reference interpreter as a place where programs run. Every run starts with fresh memory. */
export function loadInterpreted(
  { xlated }: Prepared,
  settings: ExecutionSettings,
  byteOrder: ByteOrder = "little",
): Loaded {
  const runnable = linkXlated(xlated, { map: noAddress, value: noAddress, symbol: noAddress });
  return {
    run(enter) {
      const memory = new FlatMemory();
      const room = newRoom(memory, settings.kernel.structs, byteOrder);
      const entry = enter(room);
      const helpers = helperTable(entry, room, settings);
      const interpreter = new Interpreter({ memory, helpers, budget: settings.budget, byteOrder });
      return executionOf(interpreter.run(runnable, entry.r1, entry.r2));
    },
    close() {},
  };
}

function executionOf(outcome: ReturnType<Interpreter["run"]>): Execution {
  const { instructions } = outcome;
  const rest = { findings: [], instructions, maxStack: 0 };
  switch (outcome.kind) {
    case "exit":
      return { r0: outcome.r0, ...rest };
    case "budget":
      return { r0: undefined, stopped: `no end after ${instructions} instructions`, ...rest };
    default:
      return { r0: undefined, stopped: `instruction ${outcome.fault.slot}: ${outcome.fault.message}`, ...rest };
  }
}

function helperTable({ skb }: Entry, { memory }: SkbRoom, { helpers = {} }: ExecutionSettings): HelperTable {
  return {
    call(helper, args) {
      const name = String(helper);
      if (helpers[name]) return BigInt.asUintN(64, helpers[name](args, memory));
      if (skb && CLASSIC_HELPERS[name]) return BigInt.asUintN(64, CLASSIC_HELPERS[name](skb, args));
      if (name === "bpf_get_raw_cpu_id") return 0n;
      if (name === "bpf_user_rnd_u32") return 0x4f6cdd1dn;
      throw new UnknownHelper(helper);
    },
  };
}
