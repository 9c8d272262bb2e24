import { oneLine, UserError } from "../error.ts";

/** Exit status when there is no verdict: bad input, bad usage, or a bug in jitproof. */
export const NO_VERDICT = 2;

/** Says on one line of stderr what went wrong; a stack trace only for a bug, and only with JITPROOF_DEBUG=1. */
export function report(error: unknown): number {
  process.stderr.write(`${describe(error)}\n`);
  if (process.env.JITPROOF_DEBUG === "1" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return NO_VERDICT;
}

function describe(error: unknown): string {
  if (error instanceof UserError) return oneLine(`${error.location()}: ${error.message}`);
  if (isUsage(error)) return oneLine(`jitproof: ${usage(error)}`);
  if (isMissingEngine(error))
    return "jitproof: there is no engine for this platform yet; build it with: npx jitproof-setup (in a clone: npm run setup)";
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return oneLine(`jitproof: a bug in jitproof, please report it (JITPROOF_DEBUG=1 adds the stack): ${message}`);
}

/** EngineError of emulator/native/addon.ts, before anything ran. */
function isMissingEngine(error: unknown): boolean {
  return error instanceof Error && error.name === "EngineError" && /is not built|does not load/.test(error.message);
}

/** CommanderError, known by its code so that --help needs no commander. */
function isUsage(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}

/** "error: unknown option '--fliter'\n(Did you mean --filter?)" -> "unknown option '--fliter'; did you mean --filter?" */
function usage({ message }: Error): string {
  return message.replace(/^error: /, "").replace(/\s*\(Did you mean (.*)\?\)/, "; did you mean $1?");
}
