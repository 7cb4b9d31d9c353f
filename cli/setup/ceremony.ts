/** `openledger setup ceremony ptau|init|contribute|beacon|finish|verify`: keys whose secrets nobody knows. docs/ceremony.md says how people run it. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import type { Circuit } from "../../circuits/circuit.ts";
import { parameterSetFor } from "../../circuits/parameters.ts";
import {
	applyBeacon,
	type Contributed,
	contribute,
	startCeremony,
	type VerifiedCeremony,
	verifyCeremony,
} from "../../prover/ceremony/ceremony.ts";
import { type FinishedKey, finishCeremony, verifyFinished } from "../../prover/ceremony/finish.ts";
import { openFolder } from "../../prover/ceremony/folder.ts";
import { compileCircuit } from "../../prover/compile.ts";
import type { CommandContext, Work } from "../command.ts";
import { UsageError } from "../exit.ts";
import { table } from "../output.ts";
import { type SizeFlags, takesSizes } from "../sizes.ts";
import { CIRCUIT_ROLES, type CircuitRole, circuitsOf } from "../statements.ts";
import { type PowersFlags, powersCommand, powersOf, progressOf, takesPowers, verifyOwnPowers } from "./powers.ts";

export function ceremonyCommand(context: CommandContext): Command {
	const init = takesPowers(takesSizes(new Command("init")))
		.description("begin the ceremony of a circuit: compile it and make the initial key from powers of tau")
		.addArgument(new Argument("[role]", "a circuit of the parameter set").choices(CIRCUIT_ROLES))
		.option("--circuit <file>", "another circuit: JSON with statement, id, source, publics, links, hasWords")
		.requiredOption("--out <dir>", "folder of the ceremony")
		.action(async (role: CircuitRole | undefined, flags: PowersFlags & SizeFlags & { circuit?: string; out: string }) => {
			await context.run("openledger.setup.ceremony.init.v1", async (work) => {
				const circuit = await circuitOf(role, flags);
				work.progress({ phase: "circuit", done: 0, total: 1, note: circuit.id });
				const { counts } = await compileCircuit(circuit, { signal: work.signal });
				const needed = Math.floor(Math.log2(counts.nonLinear + counts.linear + counts.nPublic)) + 1;
				const powers = await powersOf(flags, Math.max(8, needed), work);
				await verifyOwnPowers(powers, work);
				const folder = await startCeremony(resolve(flags.out), circuit, powers, options(work));
				const text = `${folder.folder}: the ceremony of ${circuit.id} may begin, with powers ${powers.blake2b}`;
				return { result: { folder: folder.folder, id: circuit.id, powers }, text };
			});
		});

	const verb = (name: string, description: string): Command =>
		takesPowers(new Command(name)).description(description).argument("<dir>", "folder of the ceremony");

	const add = verb("contribute", "verify all files and contribute a secret to delta and one to sigma")
		.requiredOption("--name <name>", "who you are, 1 to 64 bytes")
		.option("--entropy", "read more entropy from standard input, to its end")
		.action(async (dir: string, flags: PowersFlags & { name: string; entropy?: boolean }) => {
			await context.run("openledger.setup.ceremony.contribute.v1", async (work) => {
				const entropy = flags.entropy ? await standardInput(work.signal) : new Uint8Array();
				const result = await contribute(resolve(dir), await powersOfFolder(dir, flags, work), { name: flags.name, entropy }, options(work));
				return { result, text: contributedText(result) };
			});
		});

	const beacon = verb("beacon", "close the ceremony with a number that nobody could know before")
		.requiredOption("--hash <hex>", "the public number, 1 to 255 bytes", hex)
		.option("--iterations <n>", "hash it 2^n times (10 to 30)", iterations, 10)
		.action(async (dir: string, flags: PowersFlags & { hash: string; iterations: number }) => {
			await context.run("openledger.setup.ceremony.beacon.v1", async (work) => {
				const powers = await powersOfFolder(dir, flags, work);
				const result = await applyBeacon(resolve(dir), powers, { hash: flags.hash, iterations: flags.iterations }, options(work));
				return { result, text: contributedText(result) };
			});
		});

	const finish = verb("finish", "verify all files and write the key, its verification key and the transcript")
		.requiredOption("--out <dir>", "folder of finished keys")
		.action(async (dir: string, flags: PowersFlags & { out: string }) => {
			await context.run("openledger.setup.ceremony.finish.v1", async (work) => {
				const powers = await powersOfFolder(dir, flags, work);
				const finished = await finishCeremony(resolve(dir), powers, resolve(flags.out), options(work));
				const { path, verification, transcript } = finished;
				return {
					result: { path, circuitId: verification.circuitId, transcript: verification.transcript, record: transcript },
					text: finishedText(finished),
				};
			});
		});

	const verify = verb("verify", "check a ceremony from its files alone, and say what each participant contributed")
		.option("--keys <dir>", "folder of finished keys: the key must be the one that this ceremony makes")
		.action(async (dir: string, flags: PowersFlags & { keys?: string }) => {
			await context.run("openledger.setup.ceremony.verify.v1", async (work) => {
				const powers = await powersOfFolder(dir, flags, work);
				await verifyOwnPowers(powers, work);
				const finished =
					flags.keys === undefined ? undefined : await verifyFinished(resolve(dir), powers, resolve(flags.keys), options(work));
				const ceremony = finished?.ceremony ?? (await verifyCeremony(resolve(dir), powers, options(work)));
				const contributions = contributionsOf(ceremony);
				const text = [
					`${ceremony.folder.circuit.id}: every contribution and every point holds`,
					`powers: 2^${powers.power}, ${powers.published ?? "of an own ceremony"}, BLAKE2b-512 ${powers.blake2b}`,
					`initial key: ${ceremony.delta.circuitHash}`,
					"",
					table(
						["to", "name", "hash"],
						contributions.map(({ to, name, hash }) => [to, name, hash]),
					),
					...(finished ? ["", finishedText(finished)] : []),
				];
				const { circuitId, transcript } = finished?.verification ?? {};
				return {
					result: { id: ceremony.folder.circuit.id, powers, initial: ceremony.delta.circuitHash, contributions, circuitId, transcript },
					text: text.join("\n"),
				};
			});
		});

	const ceremony = new Command("ceremony").description("keys whose secrets nobody knows, made by several people");
	for (const command of [powersCommand(context), init, add, beacon, finish, verify]) ceremony.addCommand(command);
	return ceremony;
}

function options({ progress, signal }: Work): { signal: AbortSignal; onProgress: ReturnType<typeof progressOf> } {
	return { signal, onProgress: progressOf("ceremony", progress) };
}

/** The powers that a ceremony was begun with. */
async function powersOfFolder(dir: string, flags: PowersFlags, work: Work): ReturnType<typeof powersOf> {
	const { powers } = await openFolder(resolve(dir));
	return powersOf(flags, powers.power, work);
}

async function circuitOf(role: CircuitRole | undefined, flags: SizeFlags & { circuit?: string }): Promise<Circuit> {
	if ((role === undefined) === (flags.circuit === undefined)) {
		throw new UsageError("init: expected either a role or --circuit, got both or none", `The roles are ${CIRCUIT_ROLES.join(", ")}.`);
	}
	if (role !== undefined) return circuitsOf(parameterSetFor({ ...flags, contributions: flags.contributors }))[role];
	const file = flags.circuit as string;
	const remedy = "The file holds statement, id, source, publics, links and hasWords.";
	let circuit: Partial<Circuit>;
	try {
		circuit = JSON.parse(await readFile(file, "utf8"));
	} catch (error) {
		throw new UsageError(`--circuit: expected JSON in ${file}, got ${(error as Error).message}`, remedy);
	}
	const { statement, id, source, publics, links, hasWords } = circuit;
	const texts = [statement, id, source].every((field) => typeof field === "string");
	if (!texts || !Array.isArray(publics) || !Array.isArray(links) || typeof hasWords !== "boolean" || !/^[\w.-]+$/.test(id as string)) {
		throw new UsageError(`--circuit: expected a circuit in ${file}, got another shape`, remedy);
	}
	return { statement, id, source, publics, links, hasWords } as Circuit;
}

interface Contribution {
	readonly to: "delta" | "sigma";
	readonly name: string;
	readonly hash: string;
	readonly beacon?: { readonly hash: string; readonly iterations: number };
}

function contributionsOf({ delta, sigmaHashes, sigma }: VerifiedCeremony): Contribution[] {
	return [
		...delta.contributions.map(({ name, hash, beacon }) => ({ to: "delta" as const, name, hash, ...(beacon ? { beacon } : {}) })),
		...sigma.contributions.map(({ name, beacon }, index) => ({
			to: "sigma" as const,
			name,
			hash: sigmaHashes[index] as string,
			...(beacon ? { beacon } : {}),
		})),
	];
}

function contributedText({ number, name, delta, sigma }: Contributed): string {
	return [
		`contribution ${number} ("${name}")`,
		`to delta: ${delta}`,
		`to sigma: ${sigma}`,
		"Publish both hashes where others can see that they are yours, then hand the folder on.",
	].join("\n");
}

function finishedText({ path, verification: { circuitId, transcript } }: FinishedKey): string {
	return `${path}\ncircuit id      ${circuitId}\ntranscript hash ${transcript}`;
}

async function standardInput(signal: AbortSignal): Promise<Uint8Array> {
	const parts: Buffer[] = [];
	for await (const part of process.stdin) {
		signal.throwIfAborted();
		parts.push(part as Buffer);
	}
	return Buffer.concat(parts);
}

function hex(value: string): string {
	const plain = value.replace(/^0x/, "").toLowerCase();
	if (!/^([0-9a-f]{2}){1,255}$/.test(plain)) throw new InvalidArgumentError(`expected 1 to 255 bytes in hex, got ${value}`);
	return plain;
}

function iterations(value: string): number {
	const parsed = Number(value);
	if (!Number.isInteger(parsed) || parsed < 10 || parsed > 30)
		throw new InvalidArgumentError(`expected an integer from 10 to 30, got ${value}`);
	return parsed;
}
