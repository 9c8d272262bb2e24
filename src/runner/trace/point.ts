import { isNamed, type Point, parsePoint } from "../../scenario/point.ts";
import type { TracedStep } from "./step.ts";

/**
 * A moment of a trace: those that scenarios name, where "FUNCTION" is its first machine instruction; "0xffffffffc0000042" an
 * instruction by address (":3": the third time); "finding" where the first contract breaks.
 */
export type TracePoint = Point | { kind: "address"; address: bigint; nth: number } | { kind: "finding" };

export const POINTS = "FUNCTION[:N], FUNCTION+0xOFF[:N], 0xADDRESS[:N], tail call N, instruction N or finding";

/** Undefined: the text names no moment. */
export function parseTracePoint(text: string): TracePoint | undefined {
  if (text === "finding") return { kind: "finding" };
  const address = /^(0x[0-9a-f]{1,16})(?::(\d{1,9}))?$/.exec(text);
  if (address) return { kind: "address", address: BigInt(address[1]), nth: Number(address[2] ?? 1) };
  return parsePoint(text);
}

/** Where the first finding is: indexes of the instruction that it names, and of the one at which it was noticed. */
export interface FindingPlace {
  at: number;
  noticed: number;
}

/** Sees the steps of a trace go by; says at which of them the point is reached. */
export class PointWatch {
  readonly #point: TracePoint;
  readonly #finding: number;
  #seen = 0;

  /** `finding`: index of the step that the point "finding" means. */
  constructor(point: TracePoint, finding: number) {
    this.#point = point;
    this.#finding = finding;
  }

  isAt(step: TracedStep): boolean {
    const point = this.#point;
    if (point.kind === "finding") return step.index === this.#finding;
    if (point.kind === "instruction") return step.icount === point.icount;
    return this.#matches(point, step) && ++this.#seen === point.nth;
  }

  #matches(
    point: Exclude<TracePoint, { kind: "finding" | "instruction" }>,
    { instruction, arrival }: TracedStep,
  ): boolean {
    switch (point.kind) {
      case "address":
        return instruction.pc === point.address;
      case "offset":
        return instruction.offset === point.offset && isNamed(instruction.function, point.name);
      case "tail-call":
        return arrival?.kind === "tail-call";
      case "function":
        return (arrival?.kind === "tail-call" || arrival?.kind === "call") && isNamed(arrival.function, point.name);
    }
  }
}
