/** A kernel's release: major and minor. */
type Release = readonly [number, number];

/** Kernels from one to another, both included; undefined: open at that end. */
export interface Span {
  from?: Release;
  to?: Release;
}

/** "linux-5.10..linux-6.11", "linux-6.12.." or "..linux-6.11" as a span; undefined: the text is none. */
export function parseSpan(text: string): Span | undefined {
  const match = /^(linux-\d+\.\d+)?\.\.(linux-\d+\.\d+)?$/.exec(text);
  if (!match || text === "..") return undefined;
  const [, from, to] = match;
  return { ...(from ? { from: releaseOf(from) } : {}), ...(to ? { to: releaseOf(to) } : {}) };
}

/** Whether the kernel of that name is in the span. A kernel's variant, or what is no kernel, is in none. */
export function inSpan({ from, to }: Span, name: string): boolean {
  const release = releaseOf(name);
  return release !== undefined && (!from || order(from, release) <= 0) && (!to || order(release, to) <= 0);
}

function releaseOf(name: string): Release | undefined {
  const match = /^linux-(\d+)\.(\d+)$/.exec(name);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

const order = (a: Release, b: Release): number => a[0] - b[0] || a[1] - b[1];
