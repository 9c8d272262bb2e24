import { UserError } from "../error.ts";

/** Something thrown, in a form that crosses from thread to thread: a clone of an error keeps neither its class nor its fields. */
export interface ThrownMessage {
  kind: "user" | "error";
  name: string;
  message: string;
  stack?: string;
  file?: string;
  line?: number;
  column?: number;
}

export function toMessage(thrown: unknown): ThrownMessage {
  if (!(thrown instanceof Error)) return { kind: "error", name: "Error", message: String(thrown) };
  const { name, message, stack } = thrown;
  const common = { name, message, ...(stack ? { stack } : {}) };
  if (!(thrown instanceof UserError)) return { kind: "error", ...common };
  const { file, line, column } = thrown;
  return { kind: "user", ...common, file, line, column };
}

export function fromMessage({ kind, name, message, stack, file, line, column }: ThrownMessage): Error {
  const error = kind === "user" ? new UserError(message, { file, line, column }) : new Error(message);
  if (kind === "error") error.name = name;
  if (stack) error.stack = stack;
  return error;
}
