import { argumentsBySize } from "./arguments-by-size.ts";
import type { Bug } from "./bug.ts";
import { byteStoreCh } from "./byte-store-ch.ts";
import { cmpxchgUpper } from "./cmpxchg-upper.ts";
import { countByValue } from "./count-by-value.ts";
import { countForHelpers } from "./count-for-helpers.ts";
import { countLostInTrampoline } from "./count-lost-in-trampoline.ts";
import { depthNotRelocated } from "./depth-not-relocated.ts";
import { depthShiftsCall } from "./depth-shifts-call.ts";
import { divisorCut } from "./divisor-cut.ts";
import { fetchR0 } from "./fetch-r0.ts";
import { index64 } from "./index-64.ts";
import { landingEndbr } from "./landing-endbr.ts";
import { landingKcfi } from "./landing-kcfi.ts";
import { nullSpends } from "./null-spends.ts";
import { oddDepth } from "./odd-depth.ts";
import { overMarked } from "./over-marked.ts";
import { ownDepth } from "./own-depth.ts";
import { rangeSpends } from "./range-spends.ts";

/** The gallery: kernel JIT bugs that concern emitted code, oldest first. */
export const BUGS: readonly Bug[] = [
  ownDepth,
  index64,
  byteStoreCh,
  divisorCut,
  fetchR0,
  cmpxchgUpper,
  oddDepth,
  landingEndbr,
  argumentsBySize,
  countLostInTrampoline,
  depthNotRelocated,
  depthShiftsCall,
  countByValue,
  nullSpends,
  rangeSpends,
  countForHelpers,
  landingKcfi,
  overMarked,
];
