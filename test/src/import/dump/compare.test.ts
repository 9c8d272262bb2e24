import { describe, expect, test } from "vitest";
import { openCapture } from "../../../../src/import/capture/open.ts";
import { compareDump, dumpedBpf } from "../../../../src/import/dump/compare.ts";
import { recognise } from "../../../../src/import/recognise/recognise.ts";

const file = new URL("../../../fixtures/captures/x86_64-6.12-default.jsonl.br", import.meta.url).pathname;
const { capture, kernel } = openCapture(file);

/** A captured program as a dump: `change` may alter its functions' hex. */
function compared(set: string, change: (hex: string, index: number) => string = (hex) => hex) {
  const [program] = capture.records.find((record) => record.set === set)!.progs;
  const functions = program.funcs.map(({ addr, hex, hex_final }, i) =>
    recognise(`f#${i}`, BigInt(`0x${addr}`), Uint8Array.from(Buffer.from(change(hex_final ?? hex, i), "hex"))),
  );
  const bpf = dumpedBpf(Buffer.from(program.xlated, "hex"), functions);
  const { compared: result, learned } = compareDump(set, bpf, functions, [kernel.profile]);
  return { same: result.functions.map(({ loaded }) => !loaded), learned };
}

describe("a dump against our JIT, no address known", () => {
  test("a map's value in two functions, its array, and a thunk: three addresses", () => {
    expect(compared("named.hierarchy_indirect")).toEqual({ same: [true, true], learned: 3 });
  });

  test("an address that is not the same in the second function differs there", () => {
    // the subprogram loads byte 8 of the value whose address the entry loads
    const value = capture.records.find(({ set }) => set === "named.hierarchy_indirect")!.maps.cnt.value!;
    const little = (address: bigint): string => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(address);
      return bytes.toString("hex");
    };
    const at = BigInt(`0x${value}`);
    const wrong = compared("named.hierarchy_indirect", (hex) => hex.replace(little(at + 8n), little(at + 16n)));
    expect(wrong.same).toEqual([true, false]);
  });

  test("sets of every kind", () => {
    const kinds = /^(alu64|alu32|jmp64|mem|atomic|helpers|bpf2bpf|tailcall|ctx|privstack|random)$/;
    const some = capture.records.filter(({ family }, i) => kinds.test(family) && i % 40 === 0);
    for (const { set } of some) expect(compared(set).same, set).not.toContain(false);
    expect(some.length).toBeGreaterThan(5);
  });
});
