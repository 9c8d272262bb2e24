import type { Measured, Part } from "../bench/index.ts";

type Table = { title: string; head: string[]; rows: string[][] };

/** Each part's numbers as a table; the first column is text, the others stand to the right. */
export const benchText: { [P in Part]: (measured: Measured[P]) => string } = {
  startup: ({ helpMs, catalogueMs, results }) =>
    table({
      title: "start-up, wall-clock time of a fresh process",
      head: ["", "ms"],
      rows: [
        ["jitproof --help", whole(helpMs)],
        [`jitproof run: the catalogue, ${results} results`, whole(catalogueMs)],
      ],
    }),
  throughput: (programs) =>
    table({
      title: "x86 instructions per second, in millions",
      head: ["scenario, on linux-6.12", "all contracts on", "no hooks", "ratio"],
      rows: programs.map(({ scenario, contracts, bare }) => [
        scenario,
        millions(contracts),
        millions(bare),
        (contracts / bare).toFixed(2),
      ]),
    }),
  compile: (sizes) =>
    table({
      title: "compilation for linux-6.12",
      head: ["BPF instructions", "bytes", "passes", "JIT ms", "per second", "verifier ms"],
      rows: sizes.map(({ insns, bytes, passes, jitMs, verifyMs }) => [
        `${insns}`,
        `${bytes}`,
        `${passes}`,
        jitMs.toFixed(1),
        whole((1000 * insns) / jitMs),
        verifyMs.toFixed(1),
      ]),
    }),
  exact: (counts) =>
    table({
      title: "tail calls of the hierarchy on linux-6.1",
      head: ["calls, limit", "tail calls", "counted, ms", "executed, ms", "ratio"],
      rows: counts.map(({ calls, limit, tailCalls, exactMs, plainMs }) => [
        `${calls}, ${limit}`,
        `${tailCalls}`,
        exactMs.toFixed(0),
        plainMs?.toFixed(0) ?? "",
        plainMs === undefined ? "" : (plainMs / exactMs).toFixed(1),
      ]),
    }),
  explore: (explored) =>
    table({
      title: "an event at every instruction",
      head: ["scenario, profile", "points", "broken", "points per second"],
      rows: explored.map(({ scenario, profile, points, broken, ms }) => [
        `${scenario}, ${profile}`,
        `${points}`,
        `${broken}`,
        points ? whole((1000 * points) / ms) : "",
      ]),
    }),
  memory: ({ few, many, msEach }) =>
    table({
      title: "machines made, run and closed in one process",
      head: ["", "resident, MB"],
      rows: [
        [`after ${few.machines}`, megabytes(few.bytes)],
        [`after ${many.machines}`, megabytes(many.bytes)],
        [`more, at ${msEach.toFixed(2)} ms each`, megabytes(many.bytes - few.bytes)],
      ],
    }),
};

function table({ title, head, rows }: Table): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row: string[]) =>
    row.map((cell, i) => (i ? cell.padStart(widths[i] + 2) : cell.padEnd(widths[i]))).join("");
  return `${title}\n${all.map((row) => `  ${line(row)}`.trimEnd()).join("\n")}\n`;
}

const whole = (value: number): string => value.toFixed(0);
const millions = (value: number): string => (value / 1e6).toFixed(1);
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
