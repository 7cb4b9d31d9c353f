/** What is there: lists, one grant, one round. Everything comes from events. */
import { LedgerError } from "../../ledger/errors.ts";
import type { FundingHistory } from "../../ledger/launchpad-history.ts";
import type { MatchingState, ProjectHistory, RoundHistory } from "../../ledger/matching-history.ts";
import { bytes32 } from "../arguments.ts";
import type { Outcome } from "../command.ts";
import type { Desk, Noun } from "../desk.ts";
import { open as openText, table } from "../output.ts";
import { date, type Flags, readerOf, roundNumber } from "./flags.ts";

export function addViews(noun: Noun<Flags>): void {
	noun.reading("list", "all grants", list);
	noun.reading("show", "one grant with its milestones", show).argument("<grant>", "id of the grant", bytes32);
	noun.reading("rounds", "all matching rounds", listRounds);
	noun.reading("round", "one round with its projects", showRound).argument("<round>", "number of the round", roundNumber);
}

async function list(desk: Desk): Promise<Outcome> {
	const { grants, bondsDue } = await readerOf(desk).grants();
	const rows = grants.map(({ id, status, recipient, total, due, milestones }) => {
		const met = milestones.filter(({ stage }) => stage === "Released").length;
		return [id, status, recipient, openText(total), `${met} of ${milestones.length}`, openText(due)];
	});
	const text = rows.length === 0 ? "no grants" : table(["grant", "status", "recipient", "total", "released", "due"], rows);
	return { result: { grants, bondsDue }, text };
}

async function show(desk: Desk, _flags: Flags, [id]: string[]): Promise<Outcome> {
	const { grants } = await readerOf(desk).grants();
	const grant = grants.find((one) => one.id === id);
	if (grant === undefined) {
		throw new LedgerError("input.invalid", `launchpad: expected a grant that was proposed here, got ${id}`, {
			hint: "See `launchpad list`, and check the deployment file.",
		});
	}
	return { result: grant, text: describeGrant(grant) };
}

async function listRounds(desk: Desk): Promise<Outcome> {
	const state = await readerOf(desk).rounds();
	const rows = state.rounds.map(({ round, terms, pool, donated, matched }) => {
		return [String(round), date(terms.startsAt), date(terms.endsAt), openText(pool), openText(donated), openText(matched)];
	});
	const text = rows.length === 0 ? "no rounds" : table(["round", "starts", "ends", "pool", "donated", "matched"], rows);
	return { result: state, text };
}

async function showRound(desk: Desk, _flags: Flags, [number]: string[]): Promise<Outcome> {
	const reader = readerOf(desk);
	const state: MatchingState = await reader.rounds();
	const round = state.rounds.find((one) => one.round === BigInt(number as string));
	if (round === undefined) {
		throw new LedgerError("input.invalid", `launchpad: expected a round that was opened here, got ${number}`, {
			hint: "See `launchpad rounds`.",
		});
	}
	const projects = await Promise.all(
		state.projects
			.filter((project) => project.round === round.round)
			.map(async (project) => ({ ...project, match: project.matched ?? (await reader.project(project.id)).match })),
	);
	return { result: { ...round, projects }, text: describeRound(round, projects) };
}

function describeGrant({ id, status, recipient, total, held, due, withdrawn, lapsed, milestones }: FundingHistory): string {
	const rows = milestones.map(({ amount, deadline, circuit, stage }, place) => {
		return [String(place), stage, openText(amount), date(deadline), BigInt(circuit) === 0n ? "evidence" : `proof of ${circuit}`];
	});
	return [
		`grant ${id}: ${status}, for ${recipient}`,
		`  ${openText(total)} OPEN: ${openText(held)} held, ${openText(due)} due, ${openText(withdrawn)} withdrawn, ${openText(lapsed)} lapsed`,
		table(["milestone", "stage", "amount", "deadline", "met by"], rows),
	].join("\n");
}

function describeRound(
	{ round, terms, pool, donated, swept }: RoundHistory,
	projects: readonly (ProjectHistory & { match: bigint })[],
): string {
	const rows = projects.map(({ id, status, recipient, donated: given, match, due }) => {
		return [id, status, recipient, openText(given), openText(match), openText(due)];
	});
	return [
		`round ${round}: donations from ${date(terms.startsAt)} until ${date(terms.endsAt)}, settles ${date(terms.settlesAt)}`,
		`  pool ${openText(pool)} OPEN, donated ${openText(donated)}; a match is at most ${openText(terms.cap)} and ${terms.multiple / 100} % of donations${swept ? "; the rest of the pool went back" : ""}`,
		rows.length === 0 ? "no projects" : table(["project", "status", "recipient", "donated", "match", "due"], rows),
	].join("\n");
}
