import { linkXlated } from "../../../bpf/interpreter/link.ts";
import type { ProgramSet } from "../../../bpf/program.ts";
import { verify } from "../../../bpf/verifier/index.ts";
import { Kernel } from "../../../emulator/kernel.ts";
import { Machine } from "../../../emulator/machine.ts";
import type { ArrayMap } from "../../../emulator/maps/array.ts";
import { MemoryEngine } from "../../../emulator/memory-engine.ts";
import { countingOf } from "../../reference/counting.ts";
import { ReferenceSession } from "../../reference/session.ts";
import type { CaptureKernel } from "./compile.ts";
import type { CaptureRecord, ProgramsRecord } from "./format.ts";
import { captureRegions } from "./regions.ts";
import { type CaptureWorld, fillSlots, installFunctions, type WorldOptions } from "./world.ts";

/** Instructions that a run may take. */
const BUDGET = 50_000_000;

const address = (text: string): bigint => BigInt(`0x${text}`);

/** A captured set on the captured kernel, for the reference interpreter: no machine code is looked at. */
export function loadInterpreted(
  { profile, features, symbols }: CaptureKernel,
  set: ProgramSet,
  record: CaptureRecord,
  source: ProgramsRecord,
  { layout, behaviour, functions }: WorldOptions,
): CaptureWorld {
  const engine = new MemoryEngine();
  const regions = captureRegions(record, source, functions.keys());
  const machine = new Machine({ engine, layout, regions });
  const kernel = new Kernel(machine, behaviour);
  installFunctions(machine, functions);
  for (const def of set.maps) kernel.addMap(def, address(record.maps[def.name].addr));
  const session = new ReferenceSession({ kernel, engine, counting: countingOf(profile), budget: BUDGET });
  const entries: CaptureWorld["entries"] = new Map();
  const starts = new Map<string, number[]>();
  set.programs.forEach((program, i) => {
    const xlated = verify(program, set.maps, features, set.programs);
    const linked = linkXlated(xlated, {
      map: (name) => kernel.maps.get(name)!.address,
      value: (name) => (kernel.maps.get(name) as ArrayMap).values,
      symbol: (name) => symbols.address(name),
    });
    const entry = address(record.progs[i].funcs[0].addr);
    session.add(program.name, entry, { ...linked, name: program.name });
    entries.set(program.name, { entry, type: program.type });
    kernel.addProgram(program.name, entry);
    starts.set(
      program.name,
      xlated.functions.map(({ start }) => start),
    );
  });
  for (const { name, attach } of set.programs)
    if (attach?.prog !== undefined && (attach.type === "fentry" || attach.type === "fexit")) {
      const { prog, func, type } = attach;
      const target = set.programs.find((program) => program.name === prog)!;
      const nargs = target.functions[func]?.nargs ?? 1;
      session.attach(prog, starts.get(prog)![func], name, type, nargs);
    }
  fillSlots(kernel, set, record);
  return { session, kernel, machine, entries };
}
