import { UserError } from "../error.ts";
import { parseTracePoint, type TracePoint } from "../runner/trace/point.ts";
import { isNamed } from "../scenario/point.ts";
import { searchForward, type Targets } from "./timeline/search.ts";
import type { DebugView } from "./view.ts";
import { whereText } from "./view-texts.ts";

export const PLACES =
  "start, end, state N, finding [N], tail call N, FUNCTION[:N], FUNCTION+0xOFF[:N], 0xADDRESS[:N] or instruction N of this run";

/** `monitor goto PLACE`: goes there and says where that is. Throws UserError. */
export function goTo(view: DebugView, place: string): string {
  view.timeline.seek(stateOf(view, place));
  return whereText(view);
}

function stateOf(view: DebugView, place: string): number {
  const { timeline } = view;
  if (place === "start") return 0;
  if (place === "end") return timeline.end;
  const [, what, number] = /^(state|finding)(?: (\d{1,9}))?$/.exec(place) ?? [];
  if (what === "state" && number) return inside(view, Number(number), place);
  if (what === "finding") return finding(view, Number(number ?? 1));
  const point = parseTracePoint(place);
  if (!point) throw new UserError(`${place || "nothing"} is no place: expected ${PLACES}`);
  return stateAt(view, point, place);
}

function inside({ timeline }: DebugView, state: number, place: string): number {
  if (state > timeline.end)
    throw new UserError(`the recording does not get to ${place}: it ends at state ${timeline.end}`);
  return state;
}

function finding({ findings }: DebugView, nth: number): number {
  const found = findings[nth - 1];
  if (found) return found.state;
  const all = findings.length === 1 ? "there is one finding" : `there are ${findings.length} findings`;
  throw new UserError(findings.length ? all : "no contract is broken: there is no finding");
}

function stateAt(view: DebugView, point: TracePoint, place: string): number {
  const { timeline } = view;
  const { marks, piece, pieces } = timeline;
  if (point.kind === "tail-call") {
    const call = marks.tailCalls.filter(({ run }) => run === piece.run)[point.nth - 1];
    if (call) return call.state;
  } else if (point.kind === "instruction") {
    const found = pieces.find(
      ({ run, icount, length }) => run === piece.run && point.icount >= icount && point.icount <= icount + length,
    );
    if (found) return inside(view, found.first + point.icount - found.icount, place);
  } else if (point.kind !== "finding") {
    const state = nthTime(view, new Set(addressesOf(view, point)), point.nth);
    if (state !== undefined) return state;
  }
  throw new UserError(`the recording does not get to ${place}`);
}

function addressesOf(
  { timeline }: DebugView,
  point: Extract<TracePoint, { kind: "address" | "offset" | "function" }>,
): bigint[] {
  if (point.kind === "address") return [point.address];
  const offset = point.kind === "offset" ? point.offset : undefined;
  return timeline.machine.functions
    .filter(({ image }) => isNamed(image.name, point.name))
    .map(({ image }) => image.address + BigInt(offset ?? image.body));
}

/** The state in which one of the addresses is about to execute for the nth time. */
function nthTime({ timeline }: DebugView, breakpoints: ReadonlySet<bigint>, nth: number): number | undefined {
  const targets: Targets = { breakpoints, watchpoints: [] };
  const present = timeline.at;
  timeline.seek(0);
  let seen = breakpoints.has(timeline.pc) ? 1 : 0;
  let state: number | undefined = seen === nth ? 0 : undefined;
  while (state === undefined) {
    const searching = searchForward(timeline, targets);
    let turn = searching.next();
    while (!turn.done) turn = searching.next();
    if (!turn.value) break;
    timeline.seek(turn.value.state);
    if (++seen === nth) state = timeline.at;
  }
  timeline.seek(present);
  return state;
}
