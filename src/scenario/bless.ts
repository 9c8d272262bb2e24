import { parseYaml } from "./document.ts";
import { insertion, removal, replacement } from "./edit.ts";
import { findPath } from "./path.ts";
import type { Scenario } from "./scenario.ts";

export type BlessedValue = bigint | string | readonly (bigint | string)[];

/**
 * One expectation and its new value. `path` is Mismatch.path ("expect.maps.counter.0"), or its keys one by one. What isn't in the
 * file yet is added; null removes the expectation. A list replaces a list (`checks`); a number keeps the base it was written in.
 */
export interface Change {
  path: string | readonly string[];
  value: BlessedValue | null;
}

/** The file's text with expectations rewritten; every comment, the order and the formatting of all else stay as they are. */
export function bless(scenario: Pick<Scenario, "text" | "file">, changes: readonly Change[]): string {
  return changes.reduce((text, change) => blessOne(text, scenario.file, change), scenario.text);
}

function blessOne(text: string, file: string, { path, value }: Change): string {
  const place = findPath(parseYaml(text, file).document, path);
  const edit =
    value === null
      ? removal(text, place)
      : place.rest.length
        ? insertion(text, place, value)
        : replacement(text, place, value);
  if (!edit) return text;
  const result = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
  parseYaml(result, file);
  return result;
}
