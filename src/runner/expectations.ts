import { helperSymbol } from "../../bpf/verifier/helpers.ts";
import type { KernelFeatures } from "../../bpf/verifier/index.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import { keyOf } from "../../emulator/maps/map.ts";
import { ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import type { At, Expectation, MapEntry, MapValue, VariableValue } from "../scenario/scenario.ts";
import { formatValue } from "../scenario/value.ts";
import type { Mismatch } from "./result.ts";
import type { Outcome } from "./session.ts";

/** What of a run's expectation did not come true. */
export function unmet(
  expect: Expectation,
  outcome: Outcome,
  kernel: Kernel,
  features: KernelFeatures,
  programType: number,
): Mismatch[] {
  const wrong: Mismatch[] = [];
  const compare = (wanted: At<bigint> | undefined, actual: bigint | undefined): void => {
    if (wanted && wanted.value !== actual)
      wrong.push(mismatch(wanted, String(wanted.value), actual === undefined ? "(did not return)" : String(actual)));
  };
  compare(expect.r0, outcome.r0);
  compare(expect.tailCalls, outcome.tailCalls);
  compare(expect.instructions, BigInt(outcome.instructions));
  compare(expect.maxStack, BigInt(outcome.maxStack));
  for (const entry of expect.maps) {
    const actual = formatValue(contents(kernel, entry));
    const wanted = formatValue(entry.value);
    if (wanted !== actual) wrong.push(mismatch(entry, wanted, actual));
  }
  for (const variable of expect.variables ?? []) {
    const actual = formatValue(variableValue(kernel, variable));
    const wanted = formatValue(variable.value);
    if (wanted !== actual) wrong.push(mismatch(variable, wanted, actual));
  }
  for (const helper of expect.helpers) {
    const symbol = helper.name.startsWith("bpf_")
      ? helperSymbol(helper.name.slice("bpf_".length), programType, features)
      : helper.name;
    let calls = 0;
    for (const [callee, count] of outcome.calls) if (callee === symbol || helperOf(callee) === symbol) calls += count;
    compare(helper, BigInt(calls));
  }
  return wrong;
}

function variableValue(kernel: Kernel, { map: name, offset, size, value }: VariableValue): MapValue {
  const map = kernel.maps.get(name)!;
  const bytes = map.read(keyOf(0n, map.def.keySize))!.subarray(offset, offset + size);
  return { kind: "bytes", bytes, style: value.kind === "bytes" ? value.style : { as: "integer" } };
}

/** The helper that a program means where the verifier has it call a map's own function; undefined: no such function. */
function helperOf(symbol: string): string | undefined {
  const operation = /^(?:__)?(?:array|percpu_array|htab|htab_percpu)_(map_(?:lookup|update|delete)_elem)$/.exec(symbol);
  if (operation) return `bpf_${operation[1]}`;
  return /^bpf_for_each_(?:array|hash)_elem$/.test(symbol) ? "bpf_for_each_map_elem" : undefined;
}

export const mismatch = (at: At<unknown>, expected: string, actual: string): Mismatch => ({
  path: at.path,
  expected,
  actual,
  line: at.line,
  column: at.column,
});

/** What a map holds where the scenario looks, in the shape that it expects. */
function contents(kernel: Kernel, { map: name, key, value }: MapEntry & { map: string }): MapValue {
  const map = kernel.maps.get(name)!;
  if (map instanceof ProgArrayMap) {
    const program = map.programAt(Number(key));
    return program ? { kind: "program", name: program.name } : { kind: "absent" };
  }
  const bytes = map.read(keyOf(key, map.def.keySize));
  if (!bytes) return { kind: "absent" };
  if (value.kind === "perCpu") {
    const size = map.def.valueSize;
    const step = (size + 7) & ~7;
    const values = value.values
      .map((_, cpu) => bytes.slice(cpu * step, cpu * step + size))
      .filter((one) => one.length === size);
    return { kind: "perCpu", values };
  }
  return { kind: "bytes", bytes, style: value.kind === "bytes" ? value.style : { as: "integer" } };
}
