/** Whether a profile's name matches a pattern: `*` stands for any run of characters, `?` for one. */
export function matches(pattern: string, name: string): boolean {
  if (!isGlob(pattern)) return pattern === name;
  const body = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${body}$`).test(name);
}

/** Whether the pattern is more than a plain name. */
export function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern);
}

/** The pattern that speaks for `name`: the name itself before any glob, then the first glob that matches. */
export function mostSpecific<T extends { profile: string }>(entries: readonly T[], name: string): T | undefined {
  return entries.find((e) => e.profile === name) ?? entries.find((e) => matches(e.profile, name));
}
