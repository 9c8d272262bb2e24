/** One line of code as the kernel's selftests see it, words separated by single blanks. */
export interface TextLine {
  text: string;
  /** other words for the same: a pattern may match either */
  also?: string;
  /** how a file should write it, where part of it depends on addresses */
  pattern?: string;
}
