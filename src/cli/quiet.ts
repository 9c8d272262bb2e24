/**
 * A reader that has seen enough (`| head`) ends the program without a word, with what it knows so far as its status.
 * A full disk is said on one line.
 */
export function endQuietly(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    process.stderr.write(`jitproof: cannot write: ${error.message}\n`);
    process.exit(2);
  });
}
