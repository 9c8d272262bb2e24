/**
 * What going back costs: a run of over 10 million instructions is recorded, then gone back in by one instruction from places all over
 * it, as gdb's reverse-stepi does. Prints milliseconds. To run it:
 *
 *     node tools/setup.mjs
 *     npx esbuild bench/debug.ts --bundle --platform=node --packages=external --format=esm --outfile=dist/bench-debug.mjs
 *     node dist/bench-debug.mjs
 */
import { profileNamed } from "../jit/profiles/index.ts";
import { record } from "../src/debug/timeline/record.ts";
import { type Hit, searchBackward, searchForward } from "../src/debug/timeline/search.ts";
import type { Timeline } from "../src/debug/timeline/timeline.ts";
import { assembleScenario, buildWorld } from "../src/runner/build.ts";
import { parseScenario } from "../src/scenario/load.ts";

const PLACES = 2000;

/** Loops over a subprogram that writes to a map, and calls a kernel function now and then. */
const SCENARIO = `
title: ten million instructions and more
maps: { counter: { type: array, value_size: 8192, max_entries: 1 } }
budget: 20000000
programs:
  main: |
    r1 = 420000
    r2 = round ll
    r3 = 0
    r4 = 0
    call bpf_loop
    r0 = 0
    exit
    round:
    r6 = r1
    r6 &= 1023
    r6 <<= 3
    r1 = counter[0] ll
    r1 += r6
    r2 = *(u64 *)(r1 + 0)
    r2 += 1
    *(u64 *)(r1 + 0) = r2
    *(u64 *)(r10 - 8) = r2
    r0 = 0
    exit
`;

const ms = (from: number): number => performance.now() - from;
const show = (what: string, value: string): void => console.log(`${what.padEnd(52)} ${value.padStart(14)}`);

function finish(searching: Generator<number, Hit | undefined>): Hit | undefined {
  for (;;) {
    const { done, value } = searching.next();
    if (done) return value as Hit | undefined;
  }
}

/** Milliseconds of each, sorted; and of processor time for all. */
function reverseSteps(timeline: Timeline): { times: number[]; cpu: number } {
  const times: number[] = [];
  let cpu = 0;
  for (let i = 0, x = 1; i < PLACES; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    timeline.seek(1 + Math.floor((x / 2 ** 32) * (timeline.end - 1)));
    const start = performance.now();
    const before = process.cpuUsage();
    timeline.seek(timeline.at - 1);
    const { user, system } = process.cpuUsage(before);
    cpu += (user + system) / 1000;
    times.push(ms(start));
  }
  return { times: times.sort((a, b) => a - b), cpu };
}

const scenario = parseScenario(SCENARIO, "bench.yaml");
const world = buildWorld(scenario, assembleScenario(scenario), profileNamed("linux-6.12")!);
let start = performance.now();
const timeline = record(world, scenario, scenario.steps);
show("recorded: instructions", timeline.end.toLocaleString("en"));
show("  with every contract on, ms", ms(start).toFixed(0));
show("  process, MB", (process.memoryUsage.rss() / 2 ** 20).toFixed(0));

const { times, cpu } = reverseSteps(timeline);
const at = (share: number): string => times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(2);
show(`reverse step at ${PLACES} places, ms: median`, at(0.5));
show("  99 of 100 below", at(0.99));
show("  slowest", at(1));
show("  processor time, mean", (cpu / PLACES).toFixed(2));

const nowhere = { breakpoints: new Set([1n]), watchpoints: [] };
timeline.seek(timeline.end);
start = performance.now();
finish(searchBackward(timeline, nowhere));
show("reverse-continue from end to start, no stop, ms", ms(start).toFixed(0));
timeline.seek(0);
start = performance.now();
finish(searchForward(timeline, nowhere));
show("continue from start to end, no stop, ms", ms(start).toFixed(0));
const address = timeline.machine.task.stackLow;
const watched = { breakpoints: new Set<bigint>(), watchpoints: [{ address, size: 8, reads: false, writes: true }] };
timeline.seek(timeline.end);
start = performance.now();
finish(searchBackward(timeline, watched));
show("reverse-continue with a watchpoint, no stop, ms", ms(start).toFixed(0));
timeline.close();
