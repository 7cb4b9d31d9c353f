import { afterEach, describe, expect, test, vi } from "vitest";
import { ATTACKS } from "../prover/forgery/target.ts";
import { freeRemainder } from "../test/soundness/known-bad/targets.ts";
import { attackCommand } from "./attack.ts";
import { CommandContext } from "./command.ts";

// One more target, which does not hold.
vi.mock("./attack/targets.ts", async (original) => {
	const real = await original<typeof import("./attack/targets.ts")>();
	return {
		...real,
		TARGET_NAMES: [...real.TARGET_NAMES, "bad"],
		targetOf: (name: string) => (name === "bad" ? { ...freeRemainder(), name } : real.targetOf(name)),
	};
});

afterEach(() => {
	vi.restoreAllMocks();
});

/** Runs the command in this process. */
async function run(...args: string[]): Promise<{ exit: number; stdout: string }> {
	let stdout = "";
	vi.spyOn(process.stdout, "write").mockImplementation((text) => {
		stdout += text;
		return true;
	});
	vi.spyOn(process.stderr, "write").mockImplementation(() => true);
	const context = new CommandContext();
	context.json = args.includes("--json");
	const command = attackCommand(context).exitOverride();
	await command.parseAsync(
		args.filter((arg) => arg !== "--json"),
		{ from: "user" },
	);
	return { exit: context.exitCode, stdout };
}

describe("circuit attack", () => {
	test("prints a table of what was tried and refused, and what is allowed with its reason", async () => {
		const { exit, stdout } = await run("lookup", "list");
		expect(exit).toBe(0);
		for (const name of ATTACKS) {
			expect(stdout).toMatch(new RegExp(`^${name} +lookup +\\d+ +\\d+ +\\d+ +holds`, "m"));
			expect(stdout).toMatch(new RegExp(`^${name} +list +\\d+ +\\d+ +\\d+ +holds`, "m"));
		}
		expect(stdout).toContain("allowed  rigidity, main.blind: it hides the commitment");
		expect(stdout).toMatch(/none of \d+ attempts succeeded; seed [0-9a-f]{16}/);
	});

	test("--json is one versioned object, and a seed draws the same again", async () => {
		const [first, second] = [await run("list", "--seed", "a", "--json"), await run("list", "--seed", "a", "--json")];
		const { schema, ok, result } = JSON.parse(first.stdout);
		expect({ schema, ok, seed: result.seed }).toEqual({ schema: "openledger.circuit.attack.v1", ok: true, seed: "a" });
		expect(result.reports.map((report: { attack: string }) => report.attack)).toEqual(ATTACKS);
		expect(JSON.parse(second.stdout).result).toEqual(result);
	});

	test("an attack that succeeds is named, exit 1", async () => {
		const { exit, stdout } = await run("list", "bad");
		expect(exit).toBe(1);
		expect(stdout).toMatch(/^hints +bad +\d+ +\d+ +0 +OPEN/m);
		expect(stdout).toContain("OPEN  hints, bad: main.d.quotient");
		expect(stdout).toMatch(/of \d+ attempts succeeded/);
	});

	test("refuses a circuit that it does not know", async () => {
		await expect(run("nothing")).rejects.toMatchObject({
			code: "commander.invalidArgument",
			message: expect.stringContaining("'nothing' is invalid"),
		});
	});
});
