/** Verbs for matching rounds: apply, donate, match, refund. */
import { MatchingClient } from "../../ledger/matching.ts";
import { address, amount, bytes32 } from "../arguments.ts";
import type { Outcome } from "../command.ts";
import type { Desk, Noun } from "../desk.ts";
import { open as openText } from "../output.ts";
import { digestOf, type Flags, readerOf, roundNumber } from "./flags.ts";
import { withApproval } from "./grants.ts";

export function addRoundVerbs(noun: Noun<Flags>): void {
	noun
		.sending("apply", "apply for a project of a round; anybody may", apply)
		.argument("<round>", "number of the round", roundNumber)
		.requiredOption("--recipient <address>", "who receives donations and match", address)
		.requiredOption("--application <file>", "the application (or its keccak256)");
	noun
		.sending("donate", "donate to an admitted project", donate)
		.argument("<project>", "id of the project", bytes32)
		.requiredOption("--amount <open>", "OPEN to give", amount);
	noun
		.sending("fund", "add to the pool of a round; nobody gets it back", fund)
		.argument("<round>", "number of the round", roundNumber)
		.requiredOption("--amount <open>", "OPEN to add", amount);
	noun
		.sending("match", "settle a project and have donations and match paid to its recipient; anybody may", match)
		.argument("<project>", "id of the project", bytes32);
	noun
		.sending("settle", "fix the match of a project and pay nobody yet; anybody may", settle)
		.argument("<project>", "id of the project", bytes32);
	noun
		.sending("refund", "have a donation to a cancelled project paid back; anybody may", refund)
		.argument("<project>", "id of the project", bytes32)
		.option("--donor <address>", "whose (default: the key's)", address);
	noun
		.sending("sweep", "return what is left of a pool to the treasury; anybody may", sweep)
		.argument("<round>", "number of the round", roundNumber);
	noun
		.sending("rotate-project", "name another recipient of a project, as its recipient", rotate)
		.argument("<project>", "id of the project", bytes32)
		.requiredOption("--to <address>", "the next recipient", address);
}

async function apply(desk: Desk, flags: Flags, [round]: string[]): Promise<Outcome> {
	const recipient = flags.recipient as string;
	const digest = await digestOf(flags.application as string);
	const client = await desk.client(MatchingClient);
	const outcome = await client.apply({ round: BigInt(round as string), recipient, digest });
	return desk.sent([{ action: "applyTo", outcome }], { project: outcome.id, round, recipient, digest }, `project ${outcome.id}`);
}

async function donate(desk: Desk, flags: Flags, [project]: string[]): Promise<Outcome> {
	const client = await desk.client(MatchingClient);
	const given = flags.amount as bigint;
	const outcome = await client.donate({ project: project as string, amount: given });
	return desk.sent(withApproval("donate", outcome), { project, donated: given }, `${openText(given)} OPEN to project ${project}`);
}

async function fund(desk: Desk, flags: Flags, [round]: string[]): Promise<Outcome> {
	const client = await desk.client(MatchingClient);
	const given = flags.amount as bigint;
	const outcome = await client.fundPool({ round: BigInt(round as string), amount: given });
	return desk.sent(withApproval("fundPool", outcome), { round, funded: given }, `${openText(given)} OPEN into the pool of round ${round}`);
}

async function match(desk: Desk, _flags: Flags, [project]: string[]): Promise<Outcome> {
	const { recipient, donated, match: matched, status, due } = await readerOf(desk).project(project as string);
	const client = await desk.client(MatchingClient);
	const outcome = await client.withdraw(project as string);
	const paid = status === "Settled" ? due : donated + matched;
	const text = `${openText(paid)} OPEN to ${recipient}: ${openText(donated)} of donations, ${openText(matched)} of match`;
	return desk.sent([{ action: "withdraw", outcome }], { project, recipient, donated, matched, paid }, text);
}

async function settle(desk: Desk, _flags: Flags, [project]: string[]): Promise<Outcome> {
	const { donated, match: matched } = await readerOf(desk).project(project as string);
	const client = await desk.client(MatchingClient);
	const outcome = await client.settle(project as string);
	const text = `project ${project} has ${openText(donated)} OPEN of donations and a match of ${openText(matched)}`;
	return desk.sent([{ action: "settle", outcome }], { project, donated, matched }, text);
}

async function refund(desk: Desk, flags: Flags, [project]: string[]): Promise<Outcome> {
	const client = await desk.client(MatchingClient);
	const donor = flags.donor ?? client.address;
	const refunded = await readerOf(desk).donation(project as string, donor);
	const outcome = await client.refund({ project: project as string, donor });
	return desk.sent([{ action: "refund", outcome }], { project, donor, refunded }, `${openText(refunded)} OPEN back to ${donor}`);
}

async function sweep(desk: Desk, _flags: Flags, [round]: string[]): Promise<Outcome> {
	const number = BigInt(round as string);
	const { pool, matched } = await readerOf(desk).round(number);
	const client = await desk.client(MatchingClient);
	const outcome = await client.sweep(number);
	return desk.sent([{ action: "sweep", outcome }], { round, swept: pool - matched }, `${openText(pool - matched)} OPEN to the treasury`);
}

async function rotate(desk: Desk, flags: Flags, [project]: string[]): Promise<Outcome> {
	const client = await desk.client(MatchingClient);
	const to = flags.to as string;
	const outcome = await client.rotateRecipient({ project: project as string, to });
	return desk.sent([{ action: "rotateRecipient", outcome }], { project, to }, `project ${project} is for ${to} now`);
}
