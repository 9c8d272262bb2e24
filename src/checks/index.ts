import { argumentsIntact } from "./arguments.ts";
import { budget } from "./budget.ts";
import { calleeSaved } from "./callee-saved.ts";
import type { Check } from "./check.ts";
import { fault } from "./fault.ts";
import { landing } from "./landing.ts";
import { stackBalance } from "./stack-balance.ts";
import { tailCallLimit } from "./tail-call-limit.ts";

/** Every contract, in the order of reports. */
export const CHECKS: readonly Check[] = [
  tailCallLimit,
  calleeSaved,
  argumentsIntact,
  stackBalance,
  landing,
  fault,
  budget,
];
