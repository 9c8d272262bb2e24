/** What the page shows: a scenario on a profile, or, without one, the table. */
export interface Route {
  scenario?: string;
  profile?: string;
}

/** "#hierarchy/two-calls@linux-6.1" */
export function parseRoute(hash: string): Route {
  let text: string;
  try {
    text = decodeURI(hash.replace(/^#/, ""));
  } catch {
    return {};
  }
  const at = text.lastIndexOf("@");
  if (!text) return {};
  return at < 0 ? { scenario: text } : { scenario: text.slice(0, at), profile: text.slice(at + 1) };
}

export const routeTo = (scenario: string, profile: string): string => `#${encodeURI(`${scenario}@${profile}`)}`;
