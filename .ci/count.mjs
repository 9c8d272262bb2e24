// Prints "N passed, N failed" for vitest's report and the exit statuses of tests and lint: count.mjs REPORT TESTS LINT
import { readFileSync } from "node:fs";

const [report, tests, lint] = process.argv.slice(2);

/** A run that ends badly without a failed test (a file that cannot be read, a crash, a timeout) is one failure. */
function count() {
  try {
    const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(report, "utf8"));
    return { passed, failed: failed || (tests === "0" ? 0 : 1) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

const { passed, failed } = count();
const lintFailed = lint === "0" ? 0 : 1;
process.stdout.write(`${passed + 1 - lintFailed} passed, ${failed + lintFailed} failed\n`);
process.exitCode = failed + lintFailed ? 1 : 0;
