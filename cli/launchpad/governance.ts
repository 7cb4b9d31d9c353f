/**
 * Verbs of the owner. Where the owner is a contract, they print the calls that a proposal needs; where it is a key, that key sends them.
 */
import { LaunchpadClient } from "../../ledger/launchpad.ts";
import {
	admitCalls,
	approveGrantCalls,
	cancelGrantCalls,
	cancelProjectCalls,
	decideCalls,
	type GovernanceCall,
	openRoundCalls,
} from "../../ledger/launchpad-calls.ts";
import { MatchingClient } from "../../ledger/matching.ts";
import { amount, bytes32, integer } from "../arguments.ts";
import type { Outcome } from "../command.ts";
import type { Desk, Noun, Step } from "../desk.ts";
import { UsageError } from "../exit.ts";
import { type Flags, milestonePlace, moment, readerOf } from "./flags.ts";
import { withApproval } from "./grants.ts";

const KEY = "name of the environment variable with the owner's private key; without it the calls of a proposal are printed";

export function addGovernanceVerbs(noun: Noun<Flags>): void {
	const verb = (...given: Parameters<typeof noun.reading>) =>
		noun
			.reading(...given)
			.option("--key <env>", KEY)
			.option("--dry-run", "with --key: print what would be sent and what it would cost, and send nothing");
	verb("approve", "approve a proposed grant with the treasury's money (owner)", approve).argument("<grant>", "id of the grant", bytes32);
	verb("cancel", "reject a proposed grant, or stop an approved one (owner)", cancel).argument("<grant>", "id of the grant", bytes32);
	verb("decide", "decide a challenge (owner)", decide)
		.argument("<grant>", "id of the grant", bytes32)
		.argument("<milestone>", "place of the milestone, from 0", milestonePlace)
		.option("--uphold", "the evidence is refuted")
		.option("--dismiss", "the evidence stands");
	verb("open", "open a matching round (owner)", openRound)
		.requiredOption("--pool <open>", "OPEN to match with", amount)
		.requiredOption("--cap <open>", "most of one match, in OPEN", amount)
		.requiredOption("--multiple <basis points>", "most of one match in basis points of the project's donations", integer(1, 2 ** 32 - 1))
		.requiredOption("--starts <moment>", "first moment of donations (Unix seconds or a date)", moment)
		.requiredOption("--ends <moment>", "first moment without donations", moment)
		.requiredOption("--settles <moment>", "when matches are paid", moment);
	verb("admit", "admit a project to its round (owner)", admit).argument("<project>", "id of the project", bytes32);
	verb("cancel-project", "reject or cancel a project (owner)", cancelProject).argument("<project>", "id of the project", bytes32);
}

async function approve(desk: Desk, _flags: Flags, [grant]: string[]): Promise<Outcome> {
	const { total } = await readerOf(desk).grant(grant as string);
	return act(desk, { grant, total }, approveGrantCalls(desk.deployment, grant as string, total), async () =>
		withApproval("approve grant", await (await desk.client(LaunchpadClient)).approve(grant as string)),
	);
}

async function cancel(desk: Desk, _flags: Flags, [grant]: string[]): Promise<Outcome> {
	return act(desk, { grant }, cancelGrantCalls(desk.deployment, grant as string), async () => [
		{ action: "cancel", outcome: await (await desk.client(LaunchpadClient)).cancel(grant as string) },
	]);
}

async function decide(desk: Desk, flags: Flags, [grant, place]: string[]): Promise<Outcome> {
	const upheld = flags.uphold === true;
	if (upheld === (flags.dismiss === true)) throw new UsageError("decide: expected --uphold or --dismiss", "Give one of the two.");
	const milestone = Number(place);
	const { since: challengedAt } = await readerOf(desk).milestone(grant as string, milestone);
	const decision = { grant: grant as string, milestone, challengedAt, upheld };
	return act(desk, decision, decideCalls(desk.deployment, decision), async () => [
		{ action: "decide", outcome: await (await desk.client(LaunchpadClient)).decide(decision) },
	]);
}

async function openRound(desk: Desk, flags: Flags): Promise<Outcome> {
	const { pool, cap, multiple, starts, ends, settles } = flags as Required<Flags>;
	const terms = { startsAt: starts, endsAt: ends, settlesAt: settles, multiple, cap };
	return act(desk, { ...terms, pool }, openRoundCalls(desk.deployment, terms, pool), async (result) => {
		const { round, ...outcome } = await (await desk.client(MatchingClient)).openRound({ terms, pool });
		result.round = round;
		return withApproval("openRound", outcome);
	});
}

async function admit(desk: Desk, _flags: Flags, [project]: string[]): Promise<Outcome> {
	return act(desk, { project }, admitCalls(desk.deployment, project as string), async () => [
		{ action: "admit", outcome: await (await desk.client(MatchingClient)).admit(project as string) },
	]);
}

async function cancelProject(desk: Desk, _flags: Flags, [project]: string[]): Promise<Outcome> {
	return act(desk, { project }, cancelProjectCalls(desk.deployment, project as string), async () => [
		{ action: "cancel", outcome: await (await desk.client(MatchingClient)).cancel(project as string) },
	]);
}

/** Sends as the owner, or prints what a proposal must hold. */
async function act(
	desk: Desk,
	result: Record<string, unknown>,
	calls: readonly GovernanceCall[],
	send: (result: Record<string, unknown>) => Promise<Step[]>,
): Promise<Outcome> {
	if (desk.wallet !== undefined) {
		const steps = await send(result);
		const round = result.round === undefined ? "" : `round ${result.round}`;
		return desk.sent(steps, { ...result, calls }, round);
	}
	const text = calls.map(({ target, data, what }) => `${what}\n  target ${target}\n  data   ${data}`).join("\n");
	return { result: { ...result, calls }, text: `a proposal needs these calls, in this order:\n${text}` };
}
