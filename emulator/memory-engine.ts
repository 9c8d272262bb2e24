import { type Engine, EngineError, NREGS, type Snapshot, type Stop } from "./engine.ts";
import { SparseMemory } from "./sparse-memory.ts";

/**
 * Memory without a CPU: for a modelled kernel whose programs somebody else executes, as the reference interpreter does. What marks,
 * watches and guards say of machine code has no effect; run() and snapshot() throw EngineError.
 */
export class MemoryEngine implements Engine {
  readonly name = "memory";
  readonly regs = new BigUint64Array(NREGS);
  readonly stopFlag = new Int32Array(1);
  tag = 0n;
  icount = 0;
  onEvents: Engine["onEvents"];
  /** everything that is mapped */
  readonly memory = new SparseMemory();

  map(addr: bigint, size: number): void {
    try {
      this.memory.map(addr, size);
    } catch (error) {
      throw new EngineError((error as Error).message, { cause: error });
    }
  }

  protect(): void {}

  read(addr: bigint, size: number): Uint8Array {
    return this.memory.read(addr, size);
  }

  write(addr: bigint, bytes: Uint8Array): void {
    this.memory.write(addr, bytes);
  }

  mark(): void {}
  watch(): void {}
  guardStack(): void {}
  resetHits(): void {}

  hits(): number {
    return 0;
  }

  run(): Stop {
    throw new EngineError("run: this engine has no CPU");
  }

  snapshot(): Snapshot {
    throw new EngineError("snapshot: this engine takes none");
  }

  restore(): void {
    throw new EngineError("restore: this engine has no snapshots");
  }

  drop(): void {}
  close(): void {}
}
