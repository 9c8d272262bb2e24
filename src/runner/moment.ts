import { STEP_WORDS } from "../../emulator/engine.ts";
import { RETURN_TO_KERNEL } from "../../emulator/layout.ts";
import { isNamed, type Point } from "../scenario/point.ts";
import { PointFinder } from "./point.ts";
import type { Session } from "./session.ts";

/**
 * How many instructions of the run have executed when the point is reached; undefined: it never is. The machine is prepared; it is
 * run to find out.
 */
export function findMoment(session: Session, point: Point, budget: number): number | undefined {
  if (point.kind === "instruction") return point.icount;
  return point.kind === "offset" ? findOffset(session, point, budget) : findEvent(session, point, budget);
}

function findEvent({ machine }: Session, point: Point, budget: number): number | undefined {
  const finder = new PointFinder(point);
  machine.events.observe(finder.observe);
  machine.resume(budget);
  machine.events.observe();
  return finder.icount;
}

function findOffset(
  { machine }: Session,
  { name, offset, nth }: Extract<Point, { kind: "offset" }>,
  budget: number,
): number | undefined {
  const addresses = new Set(
    machine.functions
      .filter(({ image }) => isNamed(image.name, name))
      .map(({ image }) => image.address + BigInt(offset)),
  );
  let seen = 0;
  let found: number | undefined;
  const steps = (records: BigUint64Array, count: number): void => {
    for (let at = 0; at < count * STEP_WORDS && found === undefined; at += STEP_WORDS)
      if (addresses.has(records[at]) && ++seen === nth) found = Number(records[at + 1]);
  };
  machine.engine.run({ until: RETURN_TO_KERNEL, budget, trace: { steps, accesses: () => {} } });
  return found;
}
