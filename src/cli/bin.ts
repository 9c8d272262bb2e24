#!/usr/bin/env node
import { packageVersion } from "../root.ts";
import { helpText } from "./help.ts";

// --help and --version are answered here, in one small file; everything else is loaded when it is needed
const [first] = process.argv.slice(2);
if (first === "--help" || first === "-h") process.stdout.write(helpText());
else if (first === "--version" || first === "-V") process.stdout.write(`${packageVersion()}\n`);
else await (await import("./main.ts")).main(process.argv.slice(2));
