import { nearest } from "../bpf/asm/nearest.ts";

/** `; did you mean "x"?`, else `; expected one of a, b, c`, to end a message about an unknown name. */
export function hint(name: string, candidates: readonly string[], most = 12): string {
  const meant = nearest(name, candidates);
  if (meant !== undefined) return `; did you mean "${meant}"?`;
  if (candidates.length === 0) return "";
  const shown = candidates.slice(0, most).join(", ");
  return `; expected one of ${shown}${candidates.length > most ? `, ... (${candidates.length} in all)` : ""}`;
}
