import { inSpan, parseSpan } from "./span.ts";

/** Whether a profile's name matches a pattern: `*` stands for any run of characters, `?` for one; or a span of kernels (span.ts). */
export function matches(pattern: string, name: string): boolean {
  const span = parseSpan(pattern);
  if (span) return inSpan(span, name);
  if (!isGlob(pattern)) return pattern === name;
  const body = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${body}$`).test(name);
}

/** Whether the pattern is more than a plain name. */
export function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern) || parseSpan(pattern) !== undefined;
}

/** Whether a pattern speaks about a profile: as matches(), and a name or span also for its kernels' variants ("linux-6.1+mitoff"). */
export function covers(pattern: string, name: string): boolean {
  if (matches(pattern, name) || name.startsWith(`${pattern}+`)) return true;
  return parseSpan(pattern) !== undefined && matches(pattern, name.replace(/\+.*/, ""));
}

/** The entry that speaks for `name`: the name itself, else the longest kernel and variants it is built on, else the first glob or span. */
export function mostSpecific<T extends { profile: string }>(
  entries: readonly T[],
  name: string,
  fits: (pattern: string, name: string) => boolean,
): T | undefined {
  const plain = entries.filter(({ profile }) => !isGlob(profile) && fits(profile, name));
  plain.sort((a, b) => b.profile.length - a.profile.length);
  return plain[0] ?? entries.find(({ profile }) => fits(profile, name));
}
