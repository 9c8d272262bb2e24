import type { Snapshot } from "../../emulator/engine.ts";
import { type Point, parsePoint } from "../scenario/point.ts";
import type { Expectation } from "../scenario/scenario.ts";
import type { World } from "./build.ts";
import { mismatch } from "./expectations.ts";
import { findMoment } from "./moment.ts";
import type { Mismatch } from "./result.ts";
import type { EnterOptions } from "./session.ts";
import { drawStack } from "./stack-picture.ts";

/**
 * Draw the stack at the moments that the scenario names and compare. The run is repeated from `before` for each moment: once
 * to find it, once to stop there. The machine is left as it was found.
 */
export function comparePictures(
  world: World,
  options: EnterOptions,
  wanted: Expectation["stack"],
  before: Snapshot,
): Mismatch[] {
  const { engine } = world.session.machine;
  const after = engine.snapshot();
  const wrong = wanted.flatMap(({ at, picture }): Mismatch[] => {
    const point = parsePoint(at.value);
    if (!point) return [mismatch(at, 'FUNCTION, FUNCTION:N or "tail call N"', at.value)];
    const drawn = drawAt(world, options, point, before);
    if (drawn === undefined) return [mismatch(at, `a run that gets to ${at.value}`, "it never does")];
    return normal(picture.value.text) === normal(drawn) ? [] : [mismatch(picture, picture.value.text, drawn)];
  });
  engine.restore(after);
  engine.drop(after);
  engine.drop(before);
  return wrong;
}

function drawAt(world: World, options: EnterOptions, point: Point, before: Snapshot): string | undefined {
  const { machine } = world.session;
  const start = (): void => {
    machine.engine.restore(before);
    world.session.prepare(options);
  };
  start();
  const icount = findMoment(world.session, point, options.budget);
  if (icount === undefined) return undefined;
  start();
  machine.resume(icount);
  return drawStack(machine);
}

/** A picture's lines without the blanks around them: how pictures are compared. */
export const normal = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .join("\n");
