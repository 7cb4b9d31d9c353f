/** `openledger govern ...`: what holders of OPEN decide, from the delegation of votes to the execution of a proposal. */
import { type Command, InvalidArgumentError } from "commander";
import { type ProposalState, proposalStates, type VoteKind, voteKinds } from "../ledger/enums.ts";
import { GovernanceClient } from "../ledger/governance.ts";
import { GovernanceReader, type ProposalHistory, stateOf } from "../ledger/governance-reader.ts";
import { describeCall, type Proposed, parseCall } from "../ledger/proposal.ts";
import { address } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun } from "./desk.ts";
import { UsageError } from "./exit.ts";
import { open as openText, table } from "./output.ts";

interface Flags extends DeskFlags {
	to?: string;
	call?: string[];
	description?: string;
	support?: VoteKind;
	reason?: string;
	state?: ProposalState;
}

export function governCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "govern", "governance: proposals of OPEN holders, which the timelock executes");
	const id = "id of the proposal, as a number or 0x hex";
	noun
		.sending("delegate", "give your votes to an address; votes that nobody was given do not count", delegate)
		.option("--to <address>", "who votes (default: yourself)", address);
	noun
		.sending("propose", "make a proposal; the vote begins after the voting delay", propose)
		.option("--call <call>", 'such as "VerifierRouter.register(0x...)" or 0xTARGET:0xDATA; once or more often', collect)
		.requiredOption("--description <text>", "why; a title in the first line");
	noun
		.sending("vote", "vote on a proposal, once", vote)
		.argument("<proposal>", id, proposalIdOf)
		.requiredOption("--support <kind>", "for, against or abstain", voteKind)
		.option("--reason <text>", "why, for everybody to read");
	noun.sending("queue", "hand a proposal that passed to the timelock; anybody may", queue).argument("<proposal>", id, proposalIdOf);
	noun.sending("execute", "execute a proposal that is due; anybody may", execute).argument("<proposal>", id, proposalIdOf);
	noun.sending("cancel", "withdraw your proposal, until it is executed", cancel).argument("<proposal>", id, proposalIdOf);
	noun
		.reading("list", "all proposals with their states", list)
		.option("--state <state>", `only these: ${proposalStates.join(", ").toLowerCase()}`, proposalState);
	noun
		.reading("show", "one proposal: its calls in words, its votes, when it can be executed", show)
		.argument("<proposal>", id, proposalIdOf);
	return noun.command;
}

function readerOf({ deployment, provider }: Desk): GovernanceReader {
	return new GovernanceReader({ deployment, provider });
}

function proposalOf(desk: Desk, id: string | undefined): Promise<ProposalHistory> {
	return readerOf(desk).proposal(BigInt(id as string));
}

async function delegate(desk: Desk, flags: Flags): Promise<Outcome> {
	const client = await desk.client(GovernanceClient);
	const to = flags.to ?? client.address;
	const outcome = await client.delegate(to);
	return desk.sent([{ action: "delegate", outcome }], { from: client.address, to }, `votes of ${client.address} are with ${to}`);
}

async function propose(desk: Desk, flags: Flags): Promise<Outcome> {
	if (flags.call === undefined) throw new UsageError("govern propose: expected --call", "A proposal has one call at least.");
	const { contracts } = desk.deployment;
	const calls = flags.call.map((text) => parseCall(contracts, text));
	const client = await desk.client(GovernanceClient);
	const { id, proposed, ...outcome } = await client.propose({ calls, description: flags.description as string });
	const described = calls.map((call) => describeCall(contracts, call));
	const text = [`proposal ${id}`, ...described.map((call) => `  ${call.text}`)].join("\n");
	return desk.sent([{ action: "propose", outcome }], { proposal: id, description: proposed.description, calls: described }, text);
}

async function vote(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const proposal = await proposalOf(desk, id);
	const client = await desk.client(GovernanceClient);
	const support = flags.support as VoteKind;
	const outcome = await client.vote({ id: proposal.id, support, ...(flags.reason === undefined ? {} : { reason: flags.reason }) });
	return desk.sent([{ action: "vote", outcome }], { proposal: proposal.id, support }, `${support} proposal ${proposal.id}`);
}

/** A step that takes the whole proposal. */
function step(action: "queue" | "execute" | "cancel", done: string) {
	return async (desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> => {
		const proposal = await proposalOf(desk, id);
		const client = await desk.client(GovernanceClient);
		const outcome = await client[action](proposal as Proposed);
		const { eta } = desk.trial ? proposal : await proposalOf(desk, id);
		const when = action === "queue" && !desk.trial ? `; it can be executed from ${time(eta)}` : "";
		return desk.sent([{ action, outcome }], { proposal: proposal.id, eta }, `proposal ${proposal.id} is ${done}${when}`);
	};
}
const queue = step("queue", "queued");
const execute = step("execute", "executed");
const cancel = step("cancel", "withdrawn");

async function list(desk: Desk, flags: Flags): Promise<Outcome> {
	const reader = readerOf(desk);
	const now = await reader.now();
	const { settings, proposals } = await reader.governance();
	const shown = proposals
		.map((proposal) => ({ ...proposal, state: stateOf(proposal, now) }))
		.filter(({ state }) => flags.state === undefined || state === flags.state);
	const rows = shown.map(({ id, state, tally, description }) => {
		const title = (description.split("\n")[0] as string).replace(/#proposer=0x[0-9a-f]{40}$/, "");
		return [String(id), state, openText(tally.for), openText(tally.against), openText(tally.abstain), title];
	});
	const text = rows.length === 0 ? "no proposals" : table(["proposal", "state", "for", "against", "abstain", "title"], rows);
	return { result: { settings, proposals: shown }, text };
}

async function show(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const proposal = await proposalOf(desk, id);
	const state = stateOf(proposal, await readerOf(desk).now());
	const { proposer, description, calls, snapshot, deadline, eta, votes, tally, quorum } = proposal;
	const text = [
		`proposal ${proposal.id}: ${state}`,
		description,
		`by ${proposer}`,
		"calls:",
		...calls.map((call) => `  ${call.text}`),
		`vote from ${time(snapshot + 1n)} to ${time(deadline)}`,
		`for ${openText(tally.for)}, against ${openText(tally.against)}, abstain ${openText(tally.abstain)}; quorum ${openText(quorum)} (for and abstain)`,
		...votes.map(({ voter, support, weight, reason }) => `  ${voter} ${support} ${openText(weight)}${reason === "" ? "" : `: ${reason}`}`),
		eta === 0n ? "not queued" : `can be executed from ${time(eta)}`,
	].join("\n");
	return { result: { ...proposal, state }, text };
}

function collect(value: string, before: string[] = []): string[] {
	return [...before, value];
}

function proposalIdOf(value: string): string {
	if (/^(\d{1,78}|0x[0-9a-fA-F]{1,64})$/.test(value) && BigInt(value) < 2n ** 256n) return BigInt(value).toString();
	throw new InvalidArgumentError(`expected the id of a proposal, got ${value}`);
}

function voteKind(value: string): VoteKind {
	const found = voteKinds.find((kind) => kind === value.toLowerCase());
	if (found === undefined) throw new InvalidArgumentError(`expected for, against or abstain, got ${value}`);
	return found;
}

function proposalState(value: string): ProposalState {
	const found = proposalStates.find((state) => state.toLowerCase() === value.toLowerCase());
	if (found === undefined) throw new InvalidArgumentError(`expected one of ${proposalStates.join(", ")}, got ${value}`);
	return found;
}

function time(seconds: bigint): string {
	return new Date(Number(seconds) * 1000).toISOString();
}
