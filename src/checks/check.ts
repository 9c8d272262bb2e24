import type { Stop } from "../../emulator/engine.ts";
import type { Machine } from "../../emulator/machine.ts";
import type { Observer } from "../../emulator/recording.ts";
import type { CheckName } from "../scenario/names.ts";
import type { Finding } from "./finding.ts";

/** What a check sees of a run, and where it says what it found. */
export interface CheckContext {
  readonly machine: Machine;
  /** "prog#func+0x12" of an address, or the kernel symbol */
  describe(pc: bigint): string;
  /** Report that the contract is broken at the instruction at `pc`. */
  report(check: CheckName, pc: bigint, what: { message: string; expected: string; actual: string }): void;
}

/** A contract held against one run. */
export interface ActiveCheck {
  /** Takes the run's events in order. */
  observe?: Observer;
  /** The engine stopped; true: reported, and it ends the run. */
  stopped?(stop: Stop): boolean;
  /** The program returned to the kernel, registers are as it left them. */
  returned?(): void;
}

/** A contract: one file beside this, and a line in index.ts. */
export interface Check {
  readonly name: CheckName;
  /** one sentence: what must hold */
  readonly about: string;
  start(context: CheckContext): ActiveCheck;
}

export const hex = (value: bigint): string => `0x${value.toString(16)}`;
export type { Finding };
