/** `openledger circuit list|info|compile|check|attack`: the circuits of a parameter set, what they cost, whether what is cached is what was built, and whether they hold. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Argument, Command } from "commander";
import type { Circuit } from "../circuits/circuit.ts";
import { type ParameterSet, parameterSetFor } from "../circuits/parameters.ts";
import { cacheRoot, checkArtefact, findArtefact } from "../prover/artefact.ts";
import { type CompiledCircuit, compileCircuit, findCompiled } from "../prover/compile.ts";
import { ArtefactError, KeyError } from "../prover/errors.ts";
import { Zkey } from "../prover/zkey.ts";
import { attackCommand } from "./attack.ts";
import type { CommandContext } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./output.ts";
import { predictCost, predictCounts } from "./prediction.ts";
import { type SizeFlags, takesSizes } from "./sizes.ts";
import { CIRCUIT_ROLES, type CircuitRole, circuitsOf, type Statements, statementsOf } from "./statements.ts";
import { ALLOWED_WARNINGS } from "./warnings.ts";

/** What each circuit proves, in one line. */
const PROVES: Record<CircuitRole, string> = {
	contribution: "rows are well formed and have the committed statistics",
	query: "query rows with fee weights, as contribution",
	total: "a page of listed contributions adds up to what a link says",
	"query-total": "a page of query statistics, as total",
	optimum: "the head is the ridge optimum of the total",
	score: "a page of scores follows from the listed contributions and the path",
	attribution: "the path is the ridge path of the total and the queries",
	payout: "payouts and charges follow from the scores by the policy",
	evaluation: "a new head lowers the loss on the evaluation set by at least delta",
	"knn-shapley": "scores are the 5-nearest-neighbour Shapley values of the rows of a page for 4 queries",
	"training-step": "one step of a two-layer perceptron, on the batch that a seed names",
};

interface Entry {
	readonly role: CircuitRole;
	readonly circuit: Circuit;
}

interface Selection {
	readonly set: ParameterSet;
	readonly statements: Statements;
	readonly entries: readonly Entry[];
}

export function circuitCommand(context: CommandContext): Command {
	const list = sized("list", "statements, and the circuits of a parameter set").action(async (roles: CircuitRole[], flags: SizeFlags) => {
		await context.run("openledger.circuit.list.v1", async () => {
			const { set, entries } = select(roles, flags);
			const circuits = entries.map(({ role, circuit }) => ({
				role,
				id: circuit.id,
				proves: PROVES[role],
				publics: [...circuit.publics, ...circuit.links, ...(circuit.hasWords ? ["evaluation"] : []), "challenge"],
			}));
			const text = table(
				["role", "circuit", "proves", "public signals"],
				circuits.map(({ role, id, proves, publics }) => [role, id, proves, publics.join(" ")]),
			);
			return { result: { set, circuits }, text };
		});
	});

	const info = sized("info", "size, memory and time of each circuit, before any work starts").action(
		async (roles: CircuitRole[], flags: SizeFlags) => {
			await context.run("openledger.circuit.info.v1", async () => {
				const { set, statements, entries } = select(roles, flags);
				const circuits = await Promise.all(
					entries.map(async ({ role, circuit }) => {
						const compiled = await findCompiled(circuit);
						const counts = compiled?.counts ?? predictCounts[role](statements);
						return { role, id: circuit.id, counted: compiled !== undefined, counts, predicted: predictCost(counts) };
					}),
				);
				const text = table(
					["role", "circuit", "counts", "constraints", "non-linear", "wires", "committed", "key MB", "memory MB", "prove s"],
					circuits.map(({ role, id, counted, counts, predicted }) => [
						role,
						id,
						counted ? "compiled" : "predicted",
						...[counts.nonLinear + counts.linear, counts.nonLinear, counts.wires, counts.nPrivateInputs].map(String),
						megabytes(predicted.keyBytes),
						megabytes(predicted.proveBytes),
						predicted.proveSeconds.toFixed(1),
					]),
				);
				const note =
					"Predictions: counts where it says so (within 4 %), key size (12 %), memory and processor time of one proof (a factor of 2 between machines).";
				return { result: { set, circuits }, text: `${text}\n${note}` };
			});
		},
	);

	const compile = sized("compile", "compile the circuits into the cache; what is there is kept").action(
		async (roles: CircuitRole[], flags: SizeFlags) => {
			await context.run("openledger.circuit.compile.v1", async ({ progress, signal }) => {
				const { set, entries } = select(roles, flags);
				const circuits = [];
				for (const [done, { role, circuit }] of entries.entries()) {
					progress({ phase: "circuits", done, total: entries.length, note: circuit.id });
					const started = performance.now();
					const { digest, counts, warnings } = await compileCircuit(circuit, { signal });
					circuits.push({ role, id: circuit.id, digest, counts, warnings, ms: Math.round(performance.now() - started) });
				}
				progress({ phase: "circuits", done: entries.length, total: entries.length, note: "circuits ready" });
				const text = table(
					["role", "circuit", "constraints", "non-linear", "linear", "wires", "committed", "seconds"],
					circuits.map(({ role, id, counts: { nonLinear, linear, wires, nPrivateInputs }, ms }) => [
						role,
						id,
						...[nonLinear + linear, nonLinear, linear, wires, nPrivateInputs].map(String),
						(ms / 1000).toFixed(1),
					]),
				);
				return { result: { set, circuits }, text };
			});
		},
	);

	const check = sized(
		"check",
		"read the cached files of each circuit in full, its keys included, and hold circom's warnings against the allow-list",
	).action(async (named: CircuitRole[], flags: SizeFlags) => {
		await context.run("openledger.circuit.check.v1", async ({ signal }) => {
			const { set, entries } = select(named, flags);
			const findings: Finding[] = [];
			const roles = new Map<string, CircuitRole>();
			for (const entry of entries) {
				signal.throwIfAborted();
				const checked = await checkCircuit(entry);
				findings.push(...checked.findings);
				if (checked.digest !== undefined) {
					roles.set(checked.digest, entry.role);
				}
			}
			findings.push(...(await checkKeys(roles)));
			const bad = findings.filter(({ ok }) => !ok);
			const lines = table(
				["role", "what", "", "found"],
				findings.map(({ role, what, ok, found }) => [role, what, ok ? "ok" : "BAD", found]),
			);
			const verdict = bad.length === 0 ? `all ${findings.length} checks hold` : `${bad.length} of ${findings.length} checks fail`;
			return { result: { set, findings }, text: `${lines}\n\n${verdict}`, exit: verdictExit(bad) };
		});
	});

	return new Command("circuit")
		.description("circuits: names, costs, files, attacks")
		.addCommand(list)
		.addCommand(info)
		.addCommand(compile)
		.addCommand(check)
		.addCommand(attackCommand(context));
}

/** A verb that takes roles and the sizes of an epoch, as `setup dev` does. */
function sized(name: string, description: string): Command {
	return takesSizes(new Command(name))
		.description(description)
		.addArgument(new Argument("[roles...]", "circuits by their role (default: all)").choices(CIRCUIT_ROLES));
}

/** The circuits that the command line names. */
function select(roles: readonly CircuitRole[], flags: SizeFlags): Selection {
	const set = parameterSetFor({ ...flags, contributions: flags.contributors });
	const circuits = circuitsOf(set);
	const wanted = roles.length === 0 ? CIRCUIT_ROLES : CIRCUIT_ROLES.filter((role) => roles.includes(role));
	return { set, statements: statementsOf(set), entries: wanted.map((role) => ({ role, circuit: circuits[role] })) };
}

interface Finding {
	readonly role: CircuitRole | "unknown";
	readonly what: string;
	readonly ok: boolean;
	readonly found: string;
	/** Set when a warning is on the allow-list. */
	readonly reason?: string;
}

/** A missing or damaged file is worse than a warning: nothing else can be trusted. */
function verdictExit(bad: readonly Finding[]): number {
	if (bad.length === 0) {
		return EXIT.ok;
	}
	return bad.every(({ what }) => what === "warning") ? EXIT.invalid : EXIT.artefact;
}

/** Files and warnings of one circuit; `digest` is absent when there is nothing to check its keys against. */
async function checkCircuit({ role, circuit }: Entry): Promise<{ digest?: string; findings: Finding[] }> {
	let compiled: CompiledCircuit | undefined;
	try {
		compiled = await findCompiled(circuit);
	} catch (error) {
		// A record that is cut off fails by its size, one that was overwritten fails to parse.
		if (error instanceof ArtefactError || error instanceof SyntaxError) {
			return { findings: [{ role, what: "circuit", ok: false, found: error.message }] };
		}
		throw error;
	}
	if (compiled === undefined) {
		return { findings: [{ role, what: "circuit", ok: false, found: `${circuit.id} is not compiled: run "circuit compile"` }] };
	}
	const findings: Finding[] = [];
	for (const kind of ["circuit", "r1cs", "wasm", "sym"]) {
		findings.push(await checkFile(role, kind, kind, compiled.digest));
	}
	for (const warning of compiled.warnings) {
		findings.push(judge(role, circuit.statement, warning));
	}
	return { digest: compiled.digest, findings };
}

/** One cached file against the SHA-256 that was recorded when it was built. */
async function checkFile(role: CircuitRole, what: string, kind: string, digest: string): Promise<Finding> {
	try {
		const artefact = await findArtefact(kind, digest);
		if (artefact === undefined) {
			return { role, what, ok: false, found: `no ${kind} file ${digest}` };
		}
		await checkArtefact(artefact);
		return { role, what, ok: true, found: `${artefact.bytes} bytes, SHA-256 ${artefact.sha256}` };
	} catch (error) {
		if (error instanceof ArtefactError) {
			return { role, what, ok: false, found: error.message };
		}
		throw error;
	}
}

/** A warning against the allow-list. */
export function judge(role: CircuitRole, statement: string, warning: string): Finding {
	const allowed = ALLOWED_WARNINGS.find((one) => one.statement === statement && one.warning.test(warning));
	return allowed === undefined
		? { role, what: "warning", ok: false, found: warning }
		: { role, what: "warning", ok: true, found: `allowed: ${allowed.reason}`, reason: allowed.reason };
}

/** Every cached key of the circuits in `roles`, by digest. A key that does not open says no circuit, so it might be one of theirs: it fails. */
async function checkKeys(roles: ReadonlyMap<string, CircuitRole>): Promise<Finding[]> {
	const folder = join(cacheRoot(), "zkey");
	const findings: Finding[] = [];
	for (const name of await readdir(folder).catch(() => [])) {
		const digest = /^([0-9a-f]+)\.zkey\.json$/.exec(name)?.[1];
		if (digest === undefined) {
			continue;
		}
		try {
			const key = await Zkey.open(join(folder, `${digest}.zkey`));
			await key.close();
			const role = roles.get(key.facts.circuit);
			if (role !== undefined) {
				findings.push(await checkFile(role, "key", "zkey", digest));
			}
		} catch (error) {
			if (!(error instanceof KeyError)) {
				throw error;
			}
			findings.push({ role: "unknown", what: "key", ok: false, found: error.message });
		}
	}
	return findings;
}

function megabytes(bytes: number): string {
	return (bytes / 1e6).toFixed(1);
}
