// @ts-check

const OLDEST = [20, 19];

/**
 * One sentence when this Node is too old, else undefined.
 * @param {string} version e.g. "20.19.0"
 */
export function nodeProblem(version) {
  const [major, minor] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `jitproof needs Node.js ${OLDEST.join(".")} or newer, this is ${version}.`;
}
