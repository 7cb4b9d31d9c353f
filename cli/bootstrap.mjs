// `npm start`, `npm test` and the rest: installs what is missing, then runs on the pinned Node. Plain JavaScript: it runs on Node 20.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeBinary } from "./node-binary.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [task, ...rest] = process.argv.slice(2);

/** Runs a command in the repository, its output through; exits with its code when it fails. @param out where its stdout goes */
function run(command, args, out = "inherit") {
	const { status, signal, error } = spawnSync(command, args, {
		cwd: root,
		stdio: ["inherit", out, "inherit"],
		shell: process.platform === "win32" && command === "npm",
	});
	if (error !== undefined) {
		console.error(`openledger: ${command} could not be started: ${error.message}`);
		process.exit(70);
	}
	if (status !== 0) {
		process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
	}
}

/** SHA-256 of what decides about the installed packages. */
function wanted() {
	const hash = createHash("sha256");
	for (const file of ["package.json", "package-lock.json"]) {
		hash.update(readFileSync(join(root, file)));
	}
	return hash.digest("hex");
}

/**
 * Installs the locked packages when they changed since the last time. Packages' install scripts are not run: none of them is needed.
 * Not `npm ci`: it refuses a lock file without the binaries for other platforms, and not every registry has them all.
 */
function install() {
	const stamp = join(root, "node_modules", ".openledger-installed");
	if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted()) {
		return;
	}
	console.error("openledger: installing packages");
	const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
	// What npm says is no part of what the task prints.
	run("npm", ["install", "--ignore-scripts", "--include=dev", "--include=optional", ...quiet], 2);
	writeFileSync(stamp, wanted());
}

install();
const node = nodeBinary();
if (node === undefined) {
	console.error(`openledger: expected Node 22.18 or newer, or the pinned one, got ${process.version}; run \`npm ci --include=optional\``);
	process.exit(4);
}
const typescript = ["--disable-warning=ExperimentalWarning"];
const contracts = () => run(node, [...typescript, "verifier-contracts/compile.ts"]);
const vitest = (...args) => run(node, ["node_modules/vitest/vitest.mjs", "run", ...args]);

switch (task) {
	case "start":
		contracts();
		run(process.execPath, ["cli/openledger.mjs", "epoch", "run", ...rest]);
		break;
	case "test":
		contracts();
		run(node, [...typescript, "test/run.ts", ...rest]);
		break;
	case "test:slow":
		contracts();
		vitest("--project", "slow", ...rest);
		break;
	case "bench":
		contracts();
		run(node, [...typescript, "bench/run.ts", ...rest]);
		break;
	case "build":
		run(node, [...typescript, "cli/build.ts"]);
		break;
	case "lint":
		run(node, ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings"]);
		contracts();
		run(node, ["node_modules/typescript/bin/tsc", "-p", "."]);
		break;
	default:
		console.error(`openledger: expected start, test, test:slow, bench, build or lint, got ${task}`);
		process.exit(2);
}
