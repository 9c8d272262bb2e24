import { cnumDomain } from "./cnum/domain.ts";
import type { ScalarDomain } from "./domain.ts";
import { intervalDomain } from "./interval/domain.ts";
import type { IntervalFeatures } from "./interval/features.ts";

/** Circular numbers (7.2), or eight bounds of some era. */
export type ScalarFeatures = "cnum" | IntervalFeatures;

export const scalarDomain = (features: ScalarFeatures): ScalarDomain =>
  features === "cnum" ? cnumDomain : intervalDomain(features);
