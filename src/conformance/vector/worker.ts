import { parentPort, workerData } from "node:worker_threads";
import { UserError } from "../../error.ts";
import { runLine, type VectorSettings } from "./line.ts";
import { type Answer, isTask } from "./pool.ts";

const settings = workerData as VectorSettings;

parentPort?.on("message", (task: unknown) => {
  if (isTask(task)) parentPort?.postMessage(answer(task.bytes, task));
});

function answer(bytes: Uint8Array, place: { file: string; line: number }): Answer {
  try {
    return { results: runLine(bytes, place, settings) };
  } catch (error) {
    if (error instanceof UserError) {
      const { message, file, line, column } = error;
      return { userError: { message, where: { file, line, column } } };
    }
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return { bug: { message, stack } };
  }
}
