/** Threads are what runs on a CPU: its number above bit 16, the task's pid below. gdb knows no thread 0. */
export const threadOf = (tag: bigint): number => Number(tag >> 32n) | (Number(tag & 0xffffn) << 16);

/** The id as packets have it. */
export const threadId = (tag: bigint): string => threadOf(tag).toString(16);

/** "CPU 0, task 1" */
export const threadName = (tag: bigint): string => `CPU ${tag & 0xffffffffn}, task ${tag >> 32n}`;

/** The thread that an id of a packet means: 0 and -1 are any, the first. Undefined: none of them. */
export function threadNamed(text: string, tags: readonly bigint[]): bigint | undefined {
  if (text === "0" || text === "-1" || text === "") return tags[0];
  return tags.find((tag) => threadId(tag) === text.toLowerCase().replace(/^0+(?=.)/, ""));
}

/** qXfer:threads:read */
export const threadsXml = (tags: readonly bigint[]): string =>
  `<?xml version="1.0"?>\n<threads>\n${tags
    .map(
      (tag) =>
        `<thread id="${threadId(tag)}" core="${tag & 0xffffffffn}" name="${threadName(tag)}">${threadName(tag)}</thread>\n`,
    )
    .join("")}</threads>\n`;
