#!/usr/bin/env node
// Starts the command line on the Node that the package brings. Plain JavaScript: it runs on Node 20.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeBinary } from "./node-binary.mjs";

const binary = nodeBinary();
if (binary === undefined) {
	console.error(
		`openledger: expected Node 22.18 or newer, or the pinned one, got ${process.version}; run \`npm install\` again with optional packages`,
	);
	process.exit(4);
}
// In a package only what was built is there: Node strips no types below node_modules.
const [source, built] = ["./main.ts", "../dist/cli/main.js"].map((path) => fileURLToPath(new URL(path, import.meta.url)));
const args = ["--disable-warning=ExperimentalWarning", existsSync(source) ? source : built, ...process.argv.slice(2)];
// Translated sources are kept: every process and thread would else begin with translating them.
const cache = join(process.env.OPENLEDGER_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "openledger"), "node");
const child = spawn(binary, args, { stdio: "inherit", env: { NODE_COMPILE_CACHE: cache, ...process.env } });
// A terminal sends Ctrl-C to the whole group: the child stops cleanly and its exit code counts.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
	process.on(signal, () => {
		if (signal !== "SIGINT" || !process.stdin.isTTY) {
			child.kill(signal);
		}
	});
}
child.on("exit", (code, signal) => process.exit(signal === null ? code : 130));
