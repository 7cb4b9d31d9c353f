/** `openledger guardian ...`: the brake, for its member, its owner and everybody who looks. */
import type { Command } from "commander";
import { ZeroAddress } from "ethers";
import { GuardianClient, guardianHistory } from "../ledger/guardian.ts";
import { bytes32, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun } from "./desk.ts";
import { table } from "./output.ts";

interface Flags extends DeskFlags {
	duration?: number;
	epoch?: number;
	reason?: string;
}

const DAY = 86_400;

export function guardianCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "guardian", "the guardian: pauses intake, vetoes payouts, stops circuits; moves nothing");
	noun
		.sending("pause", "pause intake, as the member; exits go on", pause)
		.requiredOption("--duration <seconds>", "how long, at most 14 days", integer(1, 14 * DAY))
		.requiredOption("--reason <text>", "why, for everybody to read");
	noun
		.sending("veto", "veto the posted payout of an epoch before it is active, as the member", veto)
		.requiredOption("--epoch <number>", "the epoch", integer(1, Number.MAX_SAFE_INTEGER))
		.requiredOption("--reason <text>", "why, for everybody to read");
	noun.sending("stop", "stop a circuit for ever, as the member", stop).argument("<circuit>", "id of the circuit", bytes32);
	noun.sending("resume", "end a pause early, as the owner (where that is the timelock: govern propose --call 'Guardian.resume()')", resume);
	noun.reading("show", "member, term, pause, and everything it did", show);
	return noun.command;
}

async function pause(desk: Desk, flags: Flags): Promise<Outcome> {
	const { duration, reason } = flags as Required<Flags>;
	const outcome = await (await desk.client(GuardianClient)).pause({ duration, reason });
	return desk.sent([{ action: "pause", outcome }], { duration, reason }, `intake is paused for ${duration} s`);
}

async function veto(desk: Desk, flags: Flags): Promise<Outcome> {
	const { epoch, reason } = flags as Required<Flags>;
	const outcome = await (await desk.client(GuardianClient)).veto({ epoch: BigInt(epoch), reason });
	return desk.sent([{ action: "veto", outcome }], { epoch, reason }, `the payout of epoch ${epoch} is vetoed`);
}

async function stop(desk: Desk, _: Flags, [circuit]: string[]): Promise<Outcome> {
	const outcome = await (await desk.client(GuardianClient)).stopVerifier(circuit as string);
	return desk.sent([{ action: "stop", outcome }], { circuit }, `circuit ${circuit} is stopped for ever`);
}

async function resume(desk: Desk): Promise<Outcome> {
	const outcome = await (await desk.client(GuardianClient)).resume();
	return desk.sent([{ action: "resume", outcome }], {}, "intake is open");
}

async function show({ deployment, provider }: Desk): Promise<Outcome> {
	const history = await guardianHistory(deployment, provider);
	const { member, expiresAt, pausedUntil, pauses, vetoes, stops } = history;
	const now = BigInt((await provider.getBlock("latest"))?.timestamp ?? 0);
	const inOffice = member !== ZeroAddress && now < expiresAt;
	const paused = now < pausedUntil;
	const rows = [
		...pauses.map(({ until, reason, transaction }) => ["pause", `until ${time(until)}`, reason, transaction]),
		...vetoes.map(({ epoch, reason, transaction }) => ["veto", `epoch ${epoch}`, reason, transaction]),
		...stops.map(({ circuitId, transaction }) => ["stop", circuitId, "", transaction]),
	];
	const text = [
		inOffice ? `member ${member} until ${time(expiresAt)}` : "no member: the term has ended",
		paused ? `intake is paused until ${time(pausedUntil)}` : "intake is open",
		...(rows.length === 0 ? [] : [table(["did", "what", "reason", "transaction"], rows)]),
	].join("\n");
	return { result: { ...history, inOffice, paused }, text };
}

function time(seconds: bigint): string {
	return new Date(Number(seconds) * 1000).toISOString();
}
