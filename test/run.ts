/**
 * The whole test suite: TypeScript (vitest) and Solidity (forge). Says at the end again what failed, then one line "N passed, N failed[, N skipped]".
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
	/** what failed, a line or a few each */
	failures: string[];
}

interface VitestReport {
	readonly numPassedTests: number;
	readonly numFailedTests: number;
	readonly numPendingTests: number;
	readonly testResults: readonly {
		readonly name: string;
		readonly status: string;
		readonly message: string;
		readonly assertionResults: readonly {
			readonly fullName: string;
			readonly status: string;
			readonly failureMessages: readonly string[];
		}[];
	}[];
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
		const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(await readFile(report, "utf8")) as VitestReport;
		const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
			const tests = assertionResults.filter((test) => test.status === "failed");
			const lines = tests.map((test) => `${name}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
			// A file that could not be loaded, or whose hook failed, has no failed test.
			return status === "failed" && lines.length === 0 ? [`${name}\n${message}`] : lines;
		});
		if (code !== 0 && failures.length === 0) failures.push(`vitest ended with exit code ${code}`);
		return { passed: numPassedTests, failed: Math.max(numFailedTests, failures.length), skipped: numPendingTests, failures };
	} catch (error) {
		return { passed: 0, failed: 1, skipped: 0, failures: [`vitest ended with exit code ${code} and left no report: ${error}`] };
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
		return { passed: 0, failed: 1, skipped: 0, failures: [`forge (${group}) ended with exit code ${code} before its tests did`] };
	}
	const [passed, failed, skipped] = closing.slice(1).map(Number) as [number, number, number];
	const failures = output.split("\n").filter((line) => line.startsWith("[FAIL"));
	if (code === 0 || failed > 0) return { passed, failed, skipped, failures };
	return {
		passed,
		failed: 1,
		skipped,
		failures: [`forge (${group}) ended with exit code ${code}: do gas snapshots differ? See its output`],
	};
}

function sum(one: Counts, other: Counts): Counts {
	return {
		passed: one.passed + other.passed,
		failed: one.failed + other.failed,
		skipped: one.skipped + other.skipped,
		failures: [...one.failures, ...other.failures],
	};
}

const counted = await typescript();
const total = args.length === 0 ? sum(counted, await solidity()) : counted;
for (const failure of total.failures) console.log(`FAILED ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
