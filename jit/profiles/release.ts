/** A kernel release as numbers that compare. */
export type Release = readonly [major: number, minor: number];

/** "6.12.95+deb12-cloud-amd64", "linux-6.12+mitoff" -> [6, 12]; [0, 0] where there is none. */
export function releaseOf(text: string): Release {
  const match = /(\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : [0, 0];
}

/** Negative: a is older than b. */
export const compareReleases = (a: Release, b: Release): number => a[0] - b[0] || a[1] - b[1];
