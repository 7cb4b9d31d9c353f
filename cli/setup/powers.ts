/** `openledger setup ceremony ptau`, and the powers of tau that the other commands of a ceremony are given. */
import { Command, InvalidArgumentError } from "commander";
import type { Progress } from "../../network/epoch/progress.ts";
import { checkPowers, type FetchOptions, fetchPowers, type PowersFile } from "../../prover/ceremony/powers.ts";
import { runSnarkjs } from "../../prover/ceremony/snarkjs.ts";
import type { CommandContext, Work } from "../command.ts";
import { UsageError } from "../exit.ts";

/** Where powers come from. */
export interface PowersFlags {
	ptau?: string;
	blake2b?: string;
	mirror?: string[];
	offline?: boolean;
}

/** Adds the options of {@link PowersFlags}. */
export function takesPowers(command: Command): Command {
	return command
		.option("--ptau <file>", "powers of tau; default: the published file of the power that is needed, from the cache or a mirror")
		.option("--blake2b <hash>", "BLAKE2b-512 of --ptau, for powers of a ceremony of your own", digest)
		.option("--mirror <url...>", "folders to fetch the published file from")
		.option("--offline", "fetch nothing");
}

/**
 * The powers that the command line means, with their hash checked.
 * @param power of the published file, when no file is named
 */
export async function powersOf(flags: PowersFlags & { out?: string }, power: number, { progress, signal }: Work): Promise<PowersFile> {
	const onProgress: FetchOptions["onProgress"] = ({ done, total, note }) =>
		progress({ phase: "powers", done: megabytes(done), total: megabytes(total), note: `MB, ${note}` });
	if (flags.ptau !== undefined) {
		return checkPowers(flags.ptau, { signal, onProgress, ...(flags.blake2b === undefined ? {} : { blake2b: flags.blake2b }) });
	}
	if (flags.blake2b !== undefined) throw new UsageError("--blake2b: expected --ptau with it, got none", "Name the file with --ptau FILE.");
	const { mirror, out, offline = false } = flags;
	return fetchPowers(power, { signal, onProgress, offline, ...(mirror ? { mirrors: mirror } : {}), ...(out === undefined ? {} : { out }) });
}

/** What is published was verified by many; a file of one's own is verified here. */
export async function verifyOwnPowers(powers: PowersFile, { progress, signal }: Work): Promise<void> {
	if (powers.published !== undefined) return;
	const onProgress = progressOf("powers", progress);
	progress({ phase: "powers", done: 0, total: 1, note: `verifying ${powers.path}` });
	await runSnarkjs({ name: "verifyPowers", powers: powers.path }, { signal, onProgress });
	progress({ phase: "powers", done: 1, total: 1, note: `verified ${powers.path}` });
}

/** Progress of the prover as progress of a command. */
export function progressOf(phase: string, progress: Progress): (event: { done: number; total: number; note: string }) => void {
	return (event) => progress({ phase, ...event });
}

export function powersCommand(context: CommandContext): Command {
	return takesPowers(new Command("ptau"))
		.description("fetch a published file of powers of tau, or check a file; resumes, and keeps nothing whose hash is wrong")
		.option("--power <n>", "the file for at most 2^n constraints (8 to 28)", power)
		.option("--out <file>", "where it goes; default: the cache")
		.action(async (flags: PowersFlags & { power?: number; out?: string }) => {
			await context.run("openledger.setup.powers.v1", async (work) => {
				if ((flags.ptau === undefined) === (flags.power === undefined)) {
					throw new UsageError("ptau: expected either --power or --ptau, got both or none", "Name a power from 8 to 28, or a file.");
				}
				const powers = await powersOf(flags, flags.power ?? 0, work);
				await verifyOwnPowers(powers, work);
				const origin = powers.published === undefined ? "powers of your own, verified by snarkjs" : `published as ${powers.published}`;
				return { result: powers, text: `${powers.path}\n2^${powers.power}, ${origin}\nBLAKE2b-512 ${powers.blake2b}` };
			});
		});
}

function power(value: string): number {
	const parsed = Number(value);
	if (!Number.isInteger(parsed) || parsed < 8 || parsed > 28) throw new InvalidArgumentError(`expected a power from 8 to 28, got ${value}`);
	return parsed;
}

function digest(value: string): string {
	if (!/^[0-9a-fA-F]{128}$/.test(value)) throw new InvalidArgumentError(`expected 128 hex digits, got ${value}`);
	return value.toLowerCase();
}

function megabytes(bytes: number): number {
	return Math.round(bytes / 1e6);
}
