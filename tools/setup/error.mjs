// @ts-check

/** What the user has to do something about; told in one sentence. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}
