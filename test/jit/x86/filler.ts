/** Instructions whose code is so many bytes long, 2 or more: moves of 3 and 2 bytes. */
export function filler(bytes: number): string {
  const twos = (3 - (bytes % 3)) % 3;
  return "w1 = w2\n".repeat(twos) + "r1 = r2\n".repeat((bytes - 2 * twos) / 3);
}
