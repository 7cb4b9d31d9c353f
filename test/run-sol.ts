/**
 * The whole test suite: TypeScript (vitest) and Solidity (forge). Ends with one line "N passed, N failed[, N skipped]".
 * Arguments, if any, go to vitest alone, and Solidity is then left out.
 */
import { spawn } from "node:child_process";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const args = process.argv.slice(2);

interface Counts {
	passed: number;
	failed: number;
	skipped: number;
}

/** Runs vitest, its output through, and counts from its JSON report. A run that broke off counts as a failure. */
async function typescript(): Promise<Counts> {
	const report = join(tmpdir(), `openledger-vitest-${process.pid}.json`);
	const vitest = spawn(
		process.execPath,
		[
			"node_modules/vitest/vitest.mjs",
			"run",
			"--project",
			"default",
			"--reporter=default",
			"--reporter=json",
			`--outputFile.json=${report}`,
			...args,
		],
		{ cwd: root, stdio: "inherit" },
	);
	const code = await new Promise<number | null>((resolve) => vitest.on("exit", resolve));
	try {
		const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(await readFile(report, "utf8"));
		// A file that could not be loaded has no tests to count, but the exit code tells.
		const failed = code !== 0 && numFailedTests === 0 ? 1 : numFailedTests;
		return { passed: numPassedTests, failed, skipped: numPendingTests };
	} catch {
		return { passed: 0, failed: 1, skipped: 0 };
	} finally {
		await rm(report, { force: true });
	}
}

/**
 * The Solidity tests in two groups of about the same size, which are compiled and run side by side: the compiler uses one core. Each group has an output
 * folder of its own.
 */
async function solidity(): Promise<Counts> {
	const folder = join(root, "verifier-contracts", "test");
	const names = (await readdir(folder)).filter((name) => name.endsWith(".t.sol"));
	const files = await Promise.all(names.map(async (name) => ({ name, size: (await stat(join(folder, name))).size })));
	const groups = [0, 1].map((place) => ({ name: `group-${place}`, size: 0, files: [] as string[] })) as [Group, Group];
	for (const { name, size } of files.sort((one, other) => other.size - one.size)) {
		const lighter = groups[0].size <= groups[1].size ? groups[0] : groups[1];
		lighter.files.push(name);
		lighter.size += size;
	}
	const counts = await Promise.all(groups.map(({ name, files: group }) => forge(name, group)));
	return counts.reduce(sum);
}

interface Group {
	readonly name: string;
	size: number;
	readonly files: string[];
}

/** Runs forge over some test files, its output through, and counts from its closing line. Without such a line the run broke off and counts as a failure. */
async function forge(group: string, files: readonly string[]): Promise<Counts> {
	const out = join(root, "verifier-contracts", "out", group);
	const pattern = `verifier-contracts/test/{${files.join(",")}}`;
	const child = spawn(process.execPath, ["verifier-contracts/forge.ts", "test", "--match-path", pattern], {
		cwd: root,
		stdio: ["ignore", "pipe", "inherit"],
		env: { ...process.env, FOUNDRY_OUT: out, FOUNDRY_CACHE_PATH: join(out, "cache") },
	});
	let output = "";
	child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
	const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
	process.stdout.write(output);
	const closing = /(\d+) tests passed, (\d+) failed, (\d+) skipped/.exec(output);
	if (closing === null) {
		return { passed: 0, failed: 1, skipped: 0 };
	}
	const [passed, failed, skipped] = closing.slice(1).map(Number) as [number, number, number];
	return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

function sum(one: Counts, other: Counts): Counts {
	return { passed: one.passed + other.passed, failed: one.failed + other.failed, skipped: one.skipped + other.skipped };
}

const counted = {passed:0,failed:0,skipped:0};
const total = args.length === 0 ? sum(counted, await solidity()) : counted;
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
