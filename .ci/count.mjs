// Prints "N passed, N failed" for vitest's reports and the exit statuses of tests and lint: count.mjs LINT [REPORT TESTS]...
import { readFileSync } from "node:fs";

const [lint, ...suites] = process.argv.slice(2);

/** A run that ends badly without a failed test (a file that cannot be read, a crash, a timeout) is one failure. */
function count(report, status) {
  try {
    const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(report, "utf8"));
    return { passed, failed: failed || (status === "0" ? 0 : 1) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

let passed = 0;
let failed = 0;
const add = (counts) => {
  passed += counts.passed;
  failed += counts.failed;
};
for (let i = 0; i < suites.length; i += 2) add(count(suites[i], suites[i + 1]));
add(lint === "0" ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed ? 1 : 0;
