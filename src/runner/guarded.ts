import { UnmodelledCall } from "../../emulator/host.ts";
import { UserError } from "../error.ts";
import type { World } from "./build.ts";
import { locate } from "./locate.ts";

/** Throws UserError, at the line of the call, where a program of the scenario calls what the machine has no model of. */
export function guarded<T>({ session, book }: World, file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof UnmodelledCall)) throw error;
    const site = session.machine.callSite(error.returnAddress);
    const line = site === undefined ? undefined : locate(session.machine, book, site).line;
    throw new UserError(error.message, { file, line }, { cause: error });
  }
}
