import { RETURN_TO_KERNEL } from "../../emulator/layout.ts";
import type { Finding } from "../checks/finding.ts";
import { locate, type Place } from "../runner/locate.ts";
import { searchBackward } from "./timeline/search.ts";
import type { Timeline } from "./timeline/timeline.ts";

/** A recording in the words that people ask for it. */
export class DebugView {
  readonly timeline: Timeline;
  /** the file that lines are of */
  readonly file: string;
  #findings: { finding: Finding; state: number }[] | undefined;

  constructor(timeline: Timeline, file: string) {
    this.timeline = timeline;
    this.file = file;
  }

  /** What was found broken, and the state in which the instruction that is to blame is about to execute. */
  get findings(): readonly { finding: Finding; state: number }[] {
    const { marks } = this.timeline;
    if (this.#findings?.length !== marks.findings.length)
      this.#findings = marks.findings.map(({ finding, noticed }) => ({
        finding,
        state: this.#blamed(finding, noticed),
      }));
    return this.#findings;
  }

  #blamed({ pc }: Finding, noticed: number): number {
    const { timeline } = this;
    const present = timeline.at;
    timeline.seek(Math.min(noticed, timeline.end));
    const isThere = timeline.pc === pc;
    const searching = searchBackward(timeline, { breakpoints: new Set([pc]), watchpoints: [] });
    let turn = isThere ? undefined : searching.next();
    while (turn && !turn.done) turn = searching.next();
    const state = isThere ? timeline.at : (turn?.value as { state: number } | undefined)?.state;
    timeline.seek(present);
    return state ?? Math.min(noticed, timeline.end);
  }

  /** The instruction that is about to execute. */
  get place(): Place {
    const { machine, world, pc } = this.timeline;
    return locate(machine, world.book, pc);
  }

  /** "entry#subprog_tail+0x18", "the kernel" */
  nameOf(address: bigint): string {
    const { machine, world } = this.timeline;
    if (address === RETURN_TO_KERNEL) return "the kernel";
    const { function: name, offset } = locate(machine, world.book, address);
    return offset ? `${name}+0x${offset.toString(16)}` : name;
  }
}
