import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Engine,
  EngineError,
  MARK_BY_DIRECT,
  MARK_DIRECT,
  MARK_RET,
  MARK_WATCH_SHIFT,
  RAX,
  RCX,
} from "../../emulator/engine.ts";
import { loadAddon } from "../../emulator/native/addon.ts";
import { NativeEngine } from "../../emulator/native/engine.ts";
import { begin, DATA, type Line, load, RW, RX, rig, run, STACK, TEXT } from "./rig.ts";

const LOOP: Line[] = [
  ["48ffc0", "inc rax", MARK_BY_DIRECT | (1 << MARK_WATCH_SHIFT)],
  ["48ffc9", "dec rcx"],
  ["75f8", "jne -8", MARK_DIRECT],
  ["c3", "ret", MARK_RET],
];

describe("close", () => {
  test("is idempotent, and nothing works after it", () => {
    const { engine } = rig(LOOP);
    const snapshot = engine.snapshot();
    engine.close();
    engine.close();
    for (const use of [
      () => run(engine),
      () => engine.read(DATA, 8),
      () => engine.write(DATA, new Uint8Array(8)),
      () => engine.map(0x1000n, 0x1000, RW),
      () => engine.protect(DATA, 0x1000, RX),
      () => engine.mark(TEXT, new Uint32Array(1)),
      () => engine.watch(1, { event: true }),
      () => engine.hits(1),
      () => engine.resetHits(),
      () => engine.guardStack(STACK, STACK + 8n),
      () => engine.snapshot(),
      () => engine.restore(snapshot),
      () => engine.drop(snapshot),
    ]) {
      expect(use).toThrow(new EngineError("the engine is closed"));
    }
    expect(engine.regs[RAX]).toBe(0n); // still there to be read
  });

  test("is refused while running", () => {
    const { engine } = rig(LOOP);
    engine.watch(1, { call: () => engine.close() });
    expect(() => run(engine)).toThrow(new EngineError("close: the engine is running"));
    expect(run(engine, { budget: 0 }).kind).toBe("budget");
  });
});

test("the addon is found from its source and from a bundle, or else the error says what to do", () => {
  expect(loadAddon().describe()).toMatch(/^unicorn 2\./);
  const bundle = pathToFileURL(join(process.cwd(), "dist", "jitproof.js")).href;
  expect(loadAddon(bundle)).toBe(loadAddon());
});

function useOnce(rounds: bigint, touched = 4): void {
  const engine: Engine = new NativeEngine();
  engine.map(TEXT, 0x1000, RX);
  engine.map(STACK, 0x10000, RW);
  engine.map(DATA, 16 << 20, RW);
  load(engine, LOOP);
  engine.guardStack(STACK, STACK + 0x10000n);
  for (let i = 0; i < touched; i++) engine.write(DATA + BigInt(i << 12), new Uint8Array(4096).fill(1));
  engine.watch(1, { event: true });
  const snapshot = engine.snapshot();
  begin(engine);
  engine.regs[RCX] = rounds;
  if (run(engine).kind !== "until" || engine.regs[RAX] !== rounds) throw new Error("wrong result");
  engine.restore(snapshot);
  engine.close();
}

test("a thousand engines need no more memory than ten", () => {
  for (let i = 0; i < 10; i++) useOnce(100n);
  const ten = process.memoryUsage().rss;
  for (let i = 0; i < 990; i++) useOnce(100n);
  expect(process.memoryUsage().rss - ten).toBeLessThan(100 << 20);
});

test("engines that were used for other code before start afresh", () => {
  for (let i = 0; i < 20; i++) {
    const { engine } = rig([
      [`b8${i.toString(16).padStart(2, "0")}000000`, "mov eax, i"],
      ["c3", "ret", MARK_RET],
    ]);
    run(engine, i % 2 ? {} : { trace: { steps() {}, accesses() {} } });
    expect(engine.regs[RAX]).toBe(BigInt(i));
    expect(engine.read(DATA, 8)).toEqual(new Uint8Array(8));
    expect(engine.hits(1)).toBe(0);
    engine.close();
  }
});

test("many engines may be alive at once", () => {
  const rigs = Array.from({ length: 40 }, () => rig(LOOP));
  for (const [i, { engine }] of rigs.entries()) engine.regs[RCX] = BigInt(i + 1);
  for (const { engine } of rigs) run(engine, { budget: 2 });
  for (const { engine } of rigs) run(engine);
  expect(rigs.map(({ engine }) => engine.regs[RAX])).toEqual(rigs.map((_, i) => BigInt(i + 1)));
});

test("the memory shared with C++ cannot be transferred away", () => {
  const { engine } = rig(LOOP);
  const transfer = [engine.regs.buffer as ArrayBuffer];
  try {
    structuredClone(engine.regs, { transfer });
  } catch {} // newer versions of node throw, older ones leave it where it is
  expect(engine.regs.length).toBe(19);
  engine.regs[RCX] = 3n;
  expect(run(engine).kind).toBe("until");
  expect(engine.regs[RAX]).toBe(3n);
});

describe("worker threads", () => {
  const folder = join(process.cwd(), "dist", `test-${process.pid}`);
  const bundle = join(folder, "engine.mjs");

  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    const entry = { contents: 'export * from "./engine.ts"', resolveDir: "emulator/native", loader: "ts" } as const;
    buildSync({ stdin: entry, bundle: true, platform: "node", format: "esm", outfile: bundle });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** In each worker: three engines that count down together, then one that runs until it is told to stop. */
  const work = `
    import { parentPort, workerData } from "node:worker_threads";
    const { NativeEngine } = await import(workerData.bundle);
    const make = () => {
      const engine = new NativeEngine();
      engine.map(workerData.text, 0x1000, 5);
      engine.map(workerData.stack, 0x1000, 3);
      engine.write(workerData.text, workerData.code);
      engine.mark(workerData.text, workerData.marks);
      engine.regs[16] = workerData.text;
      engine.regs[4] = workerData.stack + 0xff8n;
      engine.write(engine.regs[4], new Uint8Array(new BigUint64Array([workerData.until]).buffer));
      engine.regs[1] = workerData.rounds;
      return engine;
    };
    const options = { until: workerData.until, budget: 1e9 };
    const engines = [make(), make(), make()];
    while (engines.some((engine) => engine.run({ ...options, budget: 1000 }).kind !== "until"));
    const sums = engines.map((engine) => engine.regs[0]);
    for (const engine of engines) engine.close();
    const endless = make();
    endless.regs[1] = 0n;
    parentPort.postMessage({ sums, stopFlag: endless.stopFlag });
    const stop = endless.run({ ...options, budget: Number.MAX_SAFE_INTEGER });
    parentPort.postMessage({ stop: stop.kind });
    // left open: the thread's end frees it
  `;

  test("have engines of their own, and can be stopped from outside", async () => {
    const { engine } = rig(LOOP);
    const data = {
      bundle: pathToFileURL(bundle).href,
      text: TEXT,
      stack: STACK,
      until: 0xdead0000n,
      rounds: 20_000n,
      code: engine.read(TEXT, 9),
      marks: (() => {
        const marks = new Uint32Array(9);
        marks[0] = 1 | MARK_BY_DIRECT;
        marks[3] = 1;
        marks[6] = 1 | MARK_DIRECT;
        marks[8] = 1 | MARK_RET;
        return marks;
      })(),
    };
    const source = new URL(`data:text/javascript,${encodeURIComponent(work)}`);
    const results = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const worker = new Worker(source, { workerData: data });
        const messages: { sums?: bigint[]; stopFlag?: Int32Array; stop?: string }[] = [];
        const exited = new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject));
        worker.on("message", (message) => {
          messages.push(message);
          if (message.stopFlag) Atomics.store(message.stopFlag, 0, 1);
        });
        // meanwhile, here
        begin(engine);
        engine.regs[RCX] = 1000n;
        run(engine);
        expect(await exited).toBe(0);
        return messages;
      }),
    );
    for (const [first, second] of results) {
      expect(first.sums).toEqual([20_000n, 20_000n, 20_000n]);
      expect(second.stop).toBe("stopped");
    }
  });
});
