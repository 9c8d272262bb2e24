import { helperId } from "../../../bpf/helper-ids.ts";
import { BPF_HELPER_CALL, CALL } from "../../../bpf/opcode.ts";
import { liveRegisters } from "../../../bpf/verifier/index.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { REG_NAMES, X86_OF_BPF } from "../../../jit/x86/regs.ts";
import { hex } from "../../checks/check.ts";
import type { Finding } from "../../checks/finding.ts";
import type { Scenario, Step } from "../../scenario/scenario.ts";
import { buildWorld, type Source, type World } from "../build.ts";
import { locate } from "../locate.ts";
import { Refusal } from "../refusal.ts";
import { watchScenario } from "../trace/run.ts";
import { type Difference, firstDifference } from "./difference.ts";
import { type Place, Visits } from "./visits.ts";

/** Whether spills and fills around calls were removed from a program of the world. */
export const lostSpills = ({ programs }: World): boolean =>
  [...programs.values()].some(({ xlated }) => xlated.spillsRemoved !== undefined);

/**
 * The contract `fastcall`: where spills and fills are removed, every register that is read later holds what it holds in the same kernel
 * when they are kept. Runs the scenario in both; nothing is said of programs with events, and of those that only fit the stack without.
 */
export function checkFastcall(
  scenario: Scenario,
  source: Source,
  profile: X86Profile,
  steps: readonly Step[],
): Finding[] {
  if (scenario.explore || steps.some((step) => step.kind === "run" && step.events?.length)) return [];
  const worlds: World[] = [];
  const visit = (of: X86Profile): { visits: Visits; machine: World["session"]["machine"] } => {
    const world = buildWorld(scenario, source, of);
    worlds.push(world);
    const visits = new Visits(world);
    watchScenario(world, scenario, steps, visits);
    return { visits, machine: world.session.machine };
  };
  try {
    const kept = visit({ ...profile, fastcall: null });
    const removed = visit(profile);
    const difference = firstDifference(removed, kept, liveness(source, worlds[1]));
    return difference ? [finding(worlds[1], difference)] : [];
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  } finally {
    for (const { session } of worlds) session.machine.close();
  }
}

const TRACE_PRINTK = helperId("bpf_trace_printk");
const R1_TO_R5 = 0x3e;

/** Bit r set: register r is read from there on before it is written. The verifier does not know of what a message prints. */
function liveness({ programs }: Source, { features }: World): (place: Place) => number {
  const live = new Map(
    programs.map(({ spec, program }) => {
      const insns = program.insns.map((insn) => ({ ...insn }));
      const registers = liveRegisters({ insns, program, kernel: features });
      insns.forEach(({ code, src, imm }, slot) => {
        if (code === CALL && src === BPF_HELPER_CALL && imm === TRACE_PRINTK) registers[slot] |= R1_TO_R5;
      });
      return [spec.name, registers];
    }),
  );
  return ({ program, origin }) => live.get(program)![origin];
}

function finding({ session }: World, { place, register, actual, expected }: Difference): Finding {
  const { machine, book } = session;
  const base = { check: "fastcall", pc: place.pc, ...locate(machine, book, place.pc) };
  if (register === undefined)
    return {
      ...base,
      message: "the program goes another way than with the spills and fills around the call kept",
      expected: "the way that it takes with them",
      actual: "another",
    };
  const name = `R${register}`;
  return {
    ...base,
    message: `${name} (${REG_NAMES[X86_OF_BPF[register]]}) is not what it is with the spills and fills around the call kept`,
    expected: `${name} = ${hex(expected)}`,
    actual: hex(actual),
  };
}
