#!/usr/bin/env node
import { packageVersion } from "../root.ts";
import { helpText } from "./help.ts";
import { endQuietly } from "./quiet.ts";

// --help and --version are answered here, in one small file; everything else is loaded when it is needed
const args = process.argv.slice(2);
endQuietly(process.stdout);
if (args[0] === "--help" || args[0] === "-h") process.stdout.write(helpText());
else if (args[0] === "--version" || args[0] === "-V") process.stdout.write(`${packageVersion()}\n`);
else await (await import("./main.ts")).start(args);
