import { UserError } from "../../error.ts";

/** Part of a .data file between two headers. */
export interface Section {
  name: string;
  /** `asm @ FILE`: where its text is */
  from?: string;
  /** 1-based line of the header; the text starts on the next one */
  line: number;
  /** without comments, one entry a line */
  lines: string[];
}

/**
 * Sections of a .data file as bpf_conformance and ubpf write them: `-- name` or `-- name @ FILE`, then text; `#` starts a comment.
 * Throws UserError for text before the first section.
 */
export function readSections(text: string, file: string): Section[] {
  const sections: Section[] = [];
  text.split("\n").forEach((raw, index) => {
    const content = raw.replace(/\r$/, "").replace(/#.*/, "");
    const header = /^\s*--\s*([^@]*?)\s*(?:@\s*(\S+)\s*)?$/.exec(content);
    if (header)
      sections.push({ name: header[1], ...(header[2] ? { from: header[2] } : {}), line: index + 1, lines: [] });
    else if (sections.length) sections[sections.length - 1].lines.push(content);
    else if (content.trim())
      throw new UserError("expected a section, such as -- asm", { file, line: index + 1, column: 1 });
  });
  return sections;
}
