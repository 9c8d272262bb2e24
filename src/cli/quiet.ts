/** A reader that has seen enough (`| head`) ends the program without a word, with what it knows so far as its status. */
export function endQuietly(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}
