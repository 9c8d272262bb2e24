import { expect, test } from "vitest";
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../../../../emulator/engine.ts";
import type { CaptureRecord, ProgramsRecord } from "../../../../src/import/capture/format.ts";
import { captureRegions } from "../../../../src/import/capture/regions.ts";

const CODE = PROT_READ | PROT_EXEC;
const DATA = PROT_READ | PROT_WRITE;

function regions(
  functions: string[],
  maps: Record<string, [addr: string, value: number, max: number]>,
  symbols: bigint[] = [],
) {
  const funcs = functions.map((addr) => ({ addr, len: 64, hex: "" }));
  const record: CaptureRecord = {
    set: "s",
    family: "f",
    maps: Object.fromEntries(Object.entries(maps).map(([name, [addr]]) => [name, { addr }])),
    progs: [{ name: "p", type: 3, jited: true, xlated: "", funcs }],
  };
  const source: ProgramsRecord = {
    set: "s",
    family: "f",
    maps: Object.entries(maps).map(([name, [, value, max]]) => ({ name, type: 2, key: 4, value, max })),
    progs: [],
  };
  return captureRegions(record, source, symbols).map(({ start, size, prot }) => [
    start.toString(16),
    size.toString(16),
    prot,
  ]);
}

test("code gets whole pages, and room for what is placed behind it", () => {
  expect(regions(["ffffc90000000f80"], {})).toEqual([["ffffc90000000000", "21000", CODE]]);
});

test("what is near each other is one range, what is far apart is two", () => {
  expect(regions(["ffffc90000000000", "ffffc90000100000"], {})).toEqual([["ffffc90000000000", "121000", CODE]]);
  expect(regions(["ffffc90000000000", "ffffc90010000000"], {})).toHaveLength(2);
});

test("maps get their values, rounded up to 8 bytes each, and a page for the rest", () => {
  expect(regions([], { m: ["ffffc90000000100", 12, 512] })).toEqual([["ffffc90000000000", "4000", DATA]]);
});

test("code is no data, however near", () => {
  expect(regions(["ffffc90000000000"], { m: ["ffffc90000800000", 8, 1] }).map(([, , prot]) => prot)).toEqual([
    CODE,
    DATA,
  ]);
});

test("the kernel's text and direct map are there anyway", () => {
  expect(regions([], { m: ["ffff888104e3b400", 8, 1] }, [0xffffffff81000000n])).toEqual([]);
});
