/** Milliseconds of CPU time that this process has used: what else runs on the machine shall not count. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The least CPU time in ms that something takes, of several rounds. */
export function leastCpu(rounds: number, run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const before = cpuMs();
    run();
    least = Math.min(least, cpuMs() - before);
  }
  return least;
}
