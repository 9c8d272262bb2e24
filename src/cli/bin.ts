#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { packageVersion } from "../root.ts";
import { helpText } from "./help.ts";
import { endQuietly } from "./quiet.ts";

// Most runs are over before an optimised function has paid for itself: V8 shall wait (in bytes of bytecode, by default 66 K).
setFlagsFromString("--interrupt-budget=1000000");

// --help and --version are answered here, in one small file; everything else is loaded when it is needed
const args = process.argv.slice(2);
endQuietly(process.stdout);
if (args[0] === "--help" || args[0] === "-h") process.stdout.write(helpText());
else if (args[0] === "--version" || args[0] === "-V") process.stdout.write(`${packageVersion()}\n`);
else await (await import("./main.ts")).start(args);
