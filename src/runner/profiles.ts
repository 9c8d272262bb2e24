/** The kernels' JITs that scenarios run on, oldest first. */
export function profileNames(): string[] {
  return ["linux-6.1", "linux-6.12"];
}
