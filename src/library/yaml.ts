/** A value in YAML's flow style, which is JSON with integers of any size and as keys; bytes in hexadecimal. */
export function yaml(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString("hex"));
  if (Array.isArray(value)) return `[${value.map(yaml).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, part]) => part !== undefined);
    return `{ ${entries.map(([key, part]) => `${/^-?\d+$/.test(key) ? key : JSON.stringify(key)}: ${yaml(part)}`).join(", ")} }`;
  }
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
