/**
 * Calls `update` for the slots below `count`, and again for those whose `next` include a slot for which it says that something changed, until
 * nothing does. It begins at the end, so that straight code takes one round.
 */
export function backwards(
  count: number,
  next: (at: number) => readonly number[],
  update: (at: number) => boolean,
): void {
  const before: number[][] = Array.from({ length: count }, () => []);
  const work: number[] = [];
  for (let i = 0; i < count; i++) {
    work.push(i);
    for (const to of next(i)) before[to]?.push(i);
  }
  const waiting = new Uint8Array(count).fill(1);
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    waiting[at] = 0;
    if (!update(at)) continue;
    for (const i of before[at]) {
      if (waiting[i]) continue;
      waiting[i] = 1;
      work.push(i);
    }
  }
}
