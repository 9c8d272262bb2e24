import { FLOW } from "./flow.ts";
import { NUMBERS } from "./numbers.ts";
import { OPCODES } from "./opcodes.ts";
import type { Operator } from "./operator.ts";
import { REGISTERS } from "./registers.ts";
import { TRAP, WHOLE } from "./whole.ts";

/** Every fault that may befall a machine instruction. */
export const OPERATORS: readonly Operator[] = [...WHOLE, ...REGISTERS, ...NUMBERS, ...OPCODES, ...FLOW];

export function operatorNamed(name: string): Operator {
  const operator = [...OPERATORS, TRAP].find((candidate) => candidate.name === name);
  if (!operator) throw new RangeError(`no operator "${name}"`);
  return operator;
}
