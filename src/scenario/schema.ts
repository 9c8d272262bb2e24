import { scenario } from "./grammar.ts";
import type { JsonSchema } from "./shape.ts";

/**
 * The JSON Schema of a scenario file, for editors. It says what the loader says about keys, types and ranges; what needs two places
 * of the file at once (a program that exists, a value that fits its map) only the loader knows.
 */
export function scenarioSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "jitproof scenario",
    ...scenario.schema(),
    anyOf: ["programs", "object"].map((key) => ({ type: "object", properties: { [key]: {} }, required: [key] })),
  };
}
