import { resume, type Suspended, suspend } from "./contexts.ts";
import type { Snapshot } from "./engine.ts";
import type { Kernel } from "./kernel.ts";

/** A machine and its kernel between two instructions, to be gone back to as often as one likes. Mapping and marks are not in it. */
export class Checkpoint {
  readonly #kernel: Kernel;
  readonly #memory: Snapshot;
  readonly #thread: Suspended;
  readonly #poking: readonly [bigint, Uint8Array][];
  readonly #restoreKernel: () => void;

  /** The present state. */
  constructor(kernel: Kernel) {
    const { machine } = kernel;
    const waiting = machine.host.copyWaiting();
    const thread = suspend(machine);
    machine.host.resume(thread.waiting);
    this.#kernel = kernel;
    this.#memory = machine.engine.snapshot();
    this.#thread = { ...thread, waiting };
    this.#poking = [...machine.poking];
    this.#restoreKernel = kernel.save();
  }

  restore(): void {
    const { machine } = this.#kernel;
    resume(machine, this.#thread);
    machine.host.fault = undefined;
    machine.host.resume(machine.host.copyWaiting());
    machine.engine.restore(this.#memory);
    machine.poking.clear();
    for (const [at, bytes] of this.#poking) machine.poking.set(at, bytes);
    this.#restoreKernel();
  }

  /** Frees its memory. */
  drop(): void {
    this.#kernel.machine.engine.drop(this.#memory);
  }
}
