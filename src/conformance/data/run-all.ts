import { type FoundTest, findDataFiles, readDataFile } from "../../import/conformance/find.ts";
import { type ConformanceResult, nothingRun } from "../result.ts";
import { runDataTest } from "./run.ts";

export interface DataSettings {
  /** profiles and "interpreter" */
  on: readonly string[];
  filter?: RegExp;
}

/** Every test that the paths name, each everywhere before the next. Throws UserError. */
export async function* runDataFiles(
  paths: readonly string[],
  settings: DataSettings,
): AsyncGenerator<ConformanceResult> {
  const { on, filter } = settings;
  const found = findDataFiles(paths).filter(({ name }) => !filter || filter.test(name));
  for (const test of found) {
    const parsed = readDataFile(test.file);
    for (const name of on)
      yield "inapplicable" in parsed ? inapplicable(test, name, parsed.inapplicable) : runDataTest(parsed, test, name);
  }
}

const inapplicable = ({ name, file }: FoundTest, profile: string, reason: string): ConformanceResult => ({
  scenario: name,
  title: name,
  file,
  profile,
  ...nothingRun(),
  jited: false,
  verdict: "skip",
  reason,
  ms: 0,
});
