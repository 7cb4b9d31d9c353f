#!/usr/bin/env node
// The npm compiler in the shape of the native one, so that forge works offline. Forge asks for two things only: the
// version, and standard JSON from stdin to stdout with every source inside.

import { readFileSync } from "node:fs";
import solc from "solc";

if (process.argv.includes("--version")) {
	process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (process.argv.includes("--standard-json")) {
	process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
	process.stderr.write("solc-wrapper: expected --version or --standard-json\n");
	process.exitCode = 2;
}
