// @ts-check
// `npm start`: setup, then the command line, in one process.
import { setup } from "./setup.mjs";

setup().then(() => import(new URL("../dist/jitproof.js", import.meta.url).href));
