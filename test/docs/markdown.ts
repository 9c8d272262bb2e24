/** A fenced block: "```LANGUAGE [FILE]". `line` is the 1-based line of its first content. */
export interface Block {
  language: string;
  file?: string;
  text: string;
  line: number;
}

/** A command of a console block, and what it prints there. */
export interface Command {
  command: string;
  output: string;
  line: number;
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  markdown.split("\n").forEach((line, i) => {
    const fence = /^```(.*)$/.exec(line);
    if (open && fence) {
      blocks.push(open);
      open = undefined;
    } else if (open) open.text += `${line}\n`;
    else if (fence) {
      const [language, file] = fence[1].trim().split(/\s+/);
      open = { language, ...(file ? { file } : {}), text: "", line: i + 2 };
    }
  });
  return blocks;
}

/** "$ command" lines, each with the lines below it. */
export function commandsOf({ text, line }: Block): Command[] {
  const commands: Command[] = [];
  text.split("\n").forEach((row, i) => {
    if (row.startsWith("$ ")) commands.push({ command: row.slice(2), output: "", line: line + i });
    else if (commands.length) commands[commands.length - 1].output += `${row}\n`;
  });
  return commands.map((command) => ({ ...command, output: command.output.replace(/\n+$/, "") }));
}

/** Whether an output is as a document has it: times and sizes may differ, "..." stands for any lines. */
export function isAsShown(shown: string, actual: string): boolean {
  const pattern = masked(shown)
    .split("\n")
    .map((line) => (line.trim() === "..." ? "(?:.*\n)*" : `${line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\n`))
    .join("");
  return new RegExp(`^${pattern}$`).test(`${masked(actual)}\n`);
}

/** Times as "T", sizes as "S", without blanks at the ends of lines. */
export const masked = (text: string): string =>
  text
    .replace(/\b\d+(\.\d+)? m?s\b/g, "T")
    .replace(/ time="[\d.]+"/g, ' time="T"')
    .replace(/\b\d+(\.\d+)? [kM]B\b/g, "S")
    .replace(/[ \t]+$/gm, "")
    .replace(/\n+$/, "");

/** The additions of a diff without line numbers: lines with " " are there already, those with "+" come in between. */
export function applyDiff(text: string, diff: string): string {
  const lines = diff.replace(/\n$/, "").split("\n");
  const context = lines.filter((line) => !line.startsWith("+")).map((line) => line.slice(1));
  const after = lines.map((line) => line.slice(1));
  const [before, added] = [context, after].map((part) => `${part.join("\n")}\n`);
  const parts = text.split(before);
  if (!context.length || parts.length !== 2) throw new Error(`these lines are not there once:\n${before}`);
  return parts.join(added);
}
