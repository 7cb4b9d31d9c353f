/** Verbs for grants: propose, claim, challenge, release, withdraw. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Outcome as Sent } from "../../ledger/actions.ts";
import { LedgerError } from "../../ledger/errors.ts";
import { LaunchpadClient } from "../../ledger/launchpad.ts";
import { milestoneContext } from "../../ledger/milestone.ts";
import { parseProof, toCalldata } from "../../prover/proof.ts";
import { address, bytes32 } from "../arguments.ts";
import type { Outcome } from "../command.ts";
import { type Desk, type Noun, readText, type Step } from "../desk.ts";
import { open as openText } from "../output.ts";
import { digestOf, type Flags, milestonePlace, readerOf } from "./flags.ts";
import { parseProposal } from "./proposal.ts";

export function addGrantVerbs(noun: Noun<Flags>): void {
	noun.sending("propose", "propose a grant; anybody may", propose).argument("<file>", "proposal as JSON, see docs/launchpad.md");
	noun
		.sending("evidence", "claim a milestone as its recipient", evidence)
		.argument("<grant>", "id of the grant", bytes32)
		.argument("<milestone>", "place of the milestone, from 0", milestonePlace)
		.requiredOption("--evidence <file>", "what shows that it is met (or its keccak256)");
	noun
		.reading("context", "the context in which a milestone's proof is made", contextOf)
		.argument("<grant>", "id of the grant", bytes32)
		.argument("<milestone>", "place of the milestone, from 0", milestonePlace);
	noun
		.sending("prove", "release a milestone by its proof; anybody may", prove)
		.argument("<grant>", "id of the grant", bytes32)
		.argument("<milestone>", "place of the milestone, from 0", milestonePlace)
		.argument("<proof>", "JSON file with the proof and all its public signals: {proof, publics}");
	noun
		.sending("challenge", "challenge posted evidence with a bond; anybody may", challenge)
		.argument("<grant>", "id of the grant", bytes32)
		.argument("<milestone>", "place of the milestone, from 0", milestonePlace)
		.requiredOption("--reason <file>", "what refutes the evidence (or its keccak256)");
	noun
		.sending("release", "release a milestone whose evidence nobody refuted in time; anybody may", release)
		.argument("<grant>", "id of the grant", bytes32)
		.argument("<milestone>", "place of the milestone, from 0", milestonePlace);
	noun
		.sending("lapse", "return a milestone that can never be released to the treasury; anybody may", lapse)
		.argument("<grant>", "id of the grant", bytes32)
		.argument("<milestone>", "place of the milestone, from 0", milestonePlace);
	noun
		.sending("withdraw", "have what is due paid to the recipient of a grant; anybody may", withdraw)
		.argument("<grant>", "id of the grant", bytes32);
	noun
		.sending("bond", "have won bonds paid back to their challenger; anybody may", bond)
		.argument("<challenger>", "address of the challenger", address);
	noun
		.sending("rotate", "name another recipient of a grant, as its recipient", rotate)
		.argument("<grant>", "id of the grant", bytes32)
		.requiredOption("--to <address>", "the next recipient", address);
}

async function propose(desk: Desk, _flags: Flags, [file]: string[]): Promise<Outcome> {
	const proposal = parseProposal(await readText(file as string));
	const client = await desk.client(LaunchpadClient);
	const outcome = await client.propose(proposal);
	const total = proposal.milestones.reduce((sum, { amount }) => sum + amount, 0n);
	const text = `grant ${outcome.id}\n  ${openText(total)} OPEN in ${proposal.milestones.length} milestones for ${proposal.recipient}`;
	return desk.sent([{ action: "propose", outcome }], { grant: outcome.id, ...proposal, total }, text);
}

async function evidence(desk: Desk, flags: Flags, args: string[]): Promise<Outcome> {
	const [grant, milestone] = named(args);
	const digest = await digestOf(flags.evidence as string);
	const client = await desk.client(LaunchpadClient);
	const outcome = await client.postEvidence({ grant, milestone, evidence: digest });
	const text = `evidence ${digest} for milestone ${milestone}; it can be challenged for 7 days`;
	return desk.sent([{ action: "postEvidence", outcome }], { grant, milestone, evidence: digest }, text);
}

async function contextOf({ deployment }: Desk, _flags: Flags, args: string[]): Promise<Outcome> {
	const [grant, milestone] = named(args);
	const context = milestoneContext(deployment, grant, milestone);
	return { result: { grant, milestone, context }, text: context };
}

async function prove(desk: Desk, _flags: Flags, args: string[]): Promise<Outcome> {
	const [grant, milestone] = named(args);
	const { proof, publics } = await readProof(args[2] as string);
	const client = await desk.client(LaunchpadClient);
	const outcome = await client.prove({ grant, milestone, publics, proof });
	return desk.sent([{ action: "prove", outcome }], { grant, milestone, publics }, `milestone ${milestone} is proven and released`);
}

async function challenge(desk: Desk, flags: Flags, args: string[]): Promise<Outcome> {
	const [grant, milestone] = named(args);
	const reason = await digestOf(flags.reason as string);
	const client = await desk.client(LaunchpadClient);
	const { bond: wei, ...outcome } = await client.challenge({ grant, milestone, reason });
	const text = `challenge of milestone ${milestone} with a bond of ${openText(wei)} OPEN; undecided for 30 days it is dismissed`;
	return desk.sent(withApproval("challenge", outcome), { grant, milestone, reason, bond: wei }, text);
}

async function release(desk: Desk, _flags: Flags, args: string[]): Promise<Outcome> {
	const [grant, milestone] = named(args);
	const client = await desk.client(LaunchpadClient);
	const outcome = await client.release({ grant, milestone });
	return desk.sent([{ action: "release", outcome }], { grant, milestone }, `milestone ${milestone} is released; withdraw what is due`);
}

async function lapse(desk: Desk, _flags: Flags, args: string[]): Promise<Outcome> {
	const [grant, milestone] = named(args);
	const client = await desk.client(LaunchpadClient);
	const outcome = await client.lapse({ grant, milestone });
	return desk.sent([{ action: "lapse", outcome }], { grant, milestone }, `the amount of milestone ${milestone} is with the treasury`);
}

async function withdraw(desk: Desk, _flags: Flags, [grant]: string[]): Promise<Outcome> {
	const { due, recipient } = await readerOf(desk).grant(grant as string);
	const client = await desk.client(LaunchpadClient);
	const outcome = await client.withdraw(grant as string);
	return desk.sent([{ action: "withdraw", outcome }], { grant, recipient, due }, `${openText(due)} OPEN to ${recipient}`);
}

async function bond(desk: Desk, _flags: Flags, [challenger]: string[]): Promise<Outcome> {
	const due = await readerOf(desk).bondDue(challenger as string);
	const client = await desk.client(LaunchpadClient);
	const outcome = await client.withdrawBond(challenger as string);
	return desk.sent([{ action: "withdrawBond", outcome }], { challenger, due }, `${openText(due)} OPEN to ${challenger}`);
}

async function rotate(desk: Desk, flags: Flags, [grant]: string[]): Promise<Outcome> {
	const client = await desk.client(LaunchpadClient);
	const to = flags.to as string;
	const outcome = await client.rotateRecipient({ grant: grant as string, to });
	return desk.sent([{ action: "rotateRecipient", outcome }], { grant, to }, `grant ${grant} is for ${to} now`);
}

function named([grant, milestone]: string[]): [string, number] {
	return [grant as string, Number(milestone)];
}

/** The approval that went before, and what was approved. */
export function withApproval(action: string, { approval, ...outcome }: Sent & { approval: Sent | undefined }): Step[] {
	return [...(approval === undefined ? [] : [{ action: "approve", outcome: approval }]), { action, outcome }];
}

async function readProof(file: string) {
	try {
		const { proof, publics } = JSON.parse(await readFile(resolve(file), "utf8")) as { proof: unknown; publics: string[] };
		return { proof: toCalldata(parseProof(proof)), publics: publics.map(BigInt) };
	} catch (cause) {
		throw new LedgerError("input.invalid", `expected {proof, publics} as JSON in ${file}, got ${(cause as Error).message}`, {
			hint: "Give a proof of this release with all its public signals as decimal text.",
			cause,
		});
	}
}
