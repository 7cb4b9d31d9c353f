/** `openledger job ...`: compute jobs, from the post to the end, for requesters, operators and challengers. */
import { randomBytes } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import { hexlify, keccak256, toUtf8Bytes, ZeroAddress, ZeroHash } from "ethers";
import { LedgerError } from "../ledger/errors.ts";
import type { ChallengeState, JobHistory, JobState } from "../ledger/job-history.ts";
import { JobReader } from "../ledger/job-reader.ts";
import { JobClient } from "../ledger/jobs.ts";
import { capabilities, capabilityBits } from "../ledger/operators.ts";
import { parseProof, toCalldata } from "../prover/proof.ts";
import { address, amount, bytes32, integer } from "./arguments.ts";
import { bonded, notYet } from "./bonded.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, readText, type Step } from "./desk.ts";
import { UsageError } from "./exit.ts";
import { open as openText, table } from "./output.ts";

interface Flags extends DeskFlags {
	description?: string;
	price?: bigint;
	gain?: bigint;
	deadline?: number;
	segments?: string | number;
	circuit?: string;
	operator?: string;
	attester?: string;
	needs?: number;
	salt?: string;
	segment?: number;
	digest?: string;
	proof?: string;
	contest?: boolean;
	concede?: boolean;
	uphold?: boolean;
	dismiss?: boolean;
	challenge?: boolean;
	cancel?: boolean;
	requester?: string;
	open?: boolean;
}

const DAY = 86_400;
const number = (value: string): string => String(integer(1, 2 ** 48 - 1)(value));

export function jobCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "job", "compute jobs: a price against a bond, audits and challenges");
	noun
		.sending("post", "post a job and its price; operators may take it at once", post)
		.requiredOption("--description <file>", "canonical JSON description; its keccak256 is published")
		.requiredOption("--price <open>", "OPEN to pay for it", amount)
		.requiredOption("--gain <open>", "OPEN that a wrong result is worth to an operator that is not found", amount)
		.option("--deadline <seconds>", "seconds from now in which the result is committed", integer(60, 90 * DAY), DAY)
		.option("--segments <count>", "parts that it is replayed by", integer(1, 256), 1)
		.option("--circuit <id>", "circuit that proves a segment", bytes32)
		.option("--operator <address>", "who alone may take it", address)
		.option("--attester <address>", "whose attestation the operator needs", address)
		.option("--needs <names>", `what the operator needs: ${capabilities.join(", ")}`, needs);
	noun.sending("take", "take a job as its operator; what its bond lacks is deposited first", take).argument("<job>", "number", number);
	noun
		.sending("result", "commit to the result before the deadline; the same again from the deadline on reveals it", result)
		.argument("<job>", "number", number)
		.requiredOption("--segments <file>", "JSON list of the digests of all segments")
		.option("--salt <hex>", "32 secret bytes; keep what the commitment printed", bytes32);
	noun.sending("draw", "draw whether a job is audited, and which segment; by anybody", draw).argument("<job>", "number", number);
	noun
		.sending("challenge", "challenge a segment of a revealed result; what the bond lacks is deposited first", challenge)
		.argument("<job>", "number", number)
		.requiredOption("--segment <number>", "counted from 0", integer(0, 255))
		.requiredOption("--digest <hex>", "your own digest of the segment", bytes32);
	noun
		.sending("answer", "answer a challenge: by --proof, --contest or --concede; --uphold or --dismiss as the owner", answer)
		.argument("<challenge>", "number", number)
		.option("--proof <file>", "proof of the segment, made for this challenger")
		.option("--contest", "stand by the result where no proof can")
		.option("--concede", "admit that it is wrong")
		.option("--uphold", "decide for the challenger")
		.option("--dismiss", "decide for the operator");
	noun
		.sending("settle", "end a job that is due, or bring a challenge on; by anybody", settle)
		.argument("<number>", "of the job", number)
		.option("--challenge", "it is the number of a challenge")
		.option("--cancel", "take the job back, as its requester, while it is open");
	noun
		.sending("withdraw", "have paid what ended jobs credited", withdraw)
		.argument("[address]", "to whom it is owed (default: you)", address);
	noun.reading("show", "one job, with its challenges", show).argument("<job>", "number", number);
	noun
		.reading("list", "jobs", list)
		.option("--open", "only those that may be taken")
		.option("--requester <address>", "only of this requester", address)
		.option("--operator <address>", "only of this operator", address);
	return noun.command;
}

function needs(value: string): number {
	try {
		return capabilityBits(value.split(","));
	} catch (error) {
		throw new InvalidArgumentError((error as Error).message);
	}
}

const readerOf = ({ deployment, provider }: Desk): JobReader => new JobReader({ deployment, provider });

const timeOf = async (desk: Desk): Promise<bigint> => BigInt((await desk.provider.getBlock("latest"))?.timestamp ?? 0);

async function one(desk: Desk, id: string | undefined): Promise<{ job: JobState; history: JobHistory }> {
	const history = await readerOf(desk).jobs();
	const job = history.jobs[Number(id) - 1];
	if (job !== undefined) return { job, history };
	throw new LedgerError("input.invalid", `job: expected a job that was posted here, got ${id}`, {
		hint: "See `job list`, and check the deployment file.",
	});
}

async function post(desk: Desk, flags: Flags): Promise<Outcome> {
	const { price, gain, deadline, segments, description: file } = flags as Required<Flags>;
	const description = keccak256(toUtf8Bytes(await readText(file)));
	const client = await desk.client(JobClient);
	const { bond } = await readerOf(desk).terms({ gain, price });
	const until = (await timeOf(desk)) + BigInt(deadline);
	const { circuit, operator, attester, needs: bits } = flags;
	const outcome = await client.post({
		...{ description, price, gain, deadline: until, segments: Number(segments) },
		...(circuit === undefined ? {} : { circuit }),
		...(operator === undefined ? {} : { operator }),
		...(attester === undefined ? {} : { attester }),
		...(bits === undefined ? {} : { capabilities: bits }),
	});
	const approval = outcome.approval === undefined ? [] : [{ action: "approve", outcome: outcome.approval }];
	const text = `job ${outcome.job ?? "?"}: ${openText(price)} OPEN until ${time(until)}; its operator stakes ${openText(bond)} OPEN`;
	const shown = { job: outcome.job, description, price, gain, bond, deadline: until, segments: Number(segments) };
	return desk.sent([...approval, { action: "post", outcome }], shown, text);
}

async function take(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const { job } = await one(desk, id);
	const outcome = await (await desk.client(JobClient)).take(job.id);
	const text = `job ${id}: yours, with a bond of ${openText(job.bond)} OPEN; commit the result before ${time(job.deadline)}`;
	return desk.sent(bonded("take", outcome), { job: job.id, bond: job.bond, deadline: job.deadline }, notYet(outcome, text));
}

async function result(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const { job } = await one(desk, id);
	const digests = await readDigests(flags.segments as string);
	const client = await desk.client(JobClient);
	if (job.status === "Committed") {
		const { salt } = flags;
		if (salt === undefined) throw new UsageError("result: expected --salt of the commitment", "The commitment printed it.");
		const outcome = await client.reveal({ job: job.id, digests, salt });
		return desk.sent([{ action: "reveal", outcome }], { job: job.id, digests }, `job ${id}: revealed`);
	}
	const salt = flags.salt ?? hexlify(randomBytes(32));
	const outcome = await client.commit({ job: job.id, digests, salt });
	const text = `job ${id}: committed; keep the salt ${salt}\nfrom ${time(job.deadline)} on, for a day: openledger job result ${id} --salt ${salt} ...`;
	return desk.sent([{ action: "commit", outcome }], { job: job.id, salt, revealFrom: job.deadline }, text);
}

async function draw(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const outcome = await (await desk.client(JobClient)).draw(BigInt(id as string));
	if (desk.trial) return desk.sent([{ action: "draw", outcome }], { job: id }, `job ${id}: may be drawn`);
	const { job } = await one(desk, id);
	const { audit, segment } = job;
	return desk.sent([{ action: "draw", outcome }], { job: id, audit, segment }, `job ${id}: ${auditText(job)}`);
}

async function challenge(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const { job } = await one(desk, id);
	const { segment, digest } = flags as Required<Flags>;
	const client = await desk.client(JobClient);
	const outcome = await client.challenge({ job: job.id, segment, digests: job.digests, claim: digest });
	const text = notYet(outcome, `challenge ${outcome.challenge ?? "?"} of segment ${segment} of job ${id}`);
	return desk.sent(bonded("challenge", outcome), { job: job.id, segment, challenge: outcome.challenge }, text);
}

async function answer(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const { proof, contest = false, concede = false, uphold = false, dismiss = false } = flags;
	if ([proof !== undefined, contest, concede, uphold, dismiss].filter(Boolean).length !== 1) {
		throw new UsageError("answer: expected one of --proof, --contest, --concede, --uphold and --dismiss", "Give one of them.");
	}
	const client = await desk.client(JobClient);
	const which = BigInt(id as string);
	const sent = (action: string, outcome: Step["outcome"], text: string) =>
		desk.sent([{ action, outcome }], { challenge: which }, `challenge ${id}: ${text}`);
	if (proof !== undefined) {
		const outcome = await client.answer({ challenge: which, proof: await readProof(proof) });
		return sent("answer", outcome, "answered by proof; the challenger has lost");
	}
	if (contest) return sent("contest", await client.contest(which), "waits for the owner's decision, 30 days at most");
	if (concede) return sent("concede", await client.concede(which), "conceded; the job ends and its bond is slashed");
	return sent("decide", await client.decide({ challenge: which, upheld: uphold }), uphold ? "upheld" : "dismissed");
}

async function settle(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const client = await desk.client(JobClient);
	const which = BigInt(id as string);
	if (flags.challenge === true) {
		const outcome = await client.settleChallenge(which);
		const status = desk.trial ? "is due" : ((await readerOf(desk).jobs()).challenges[Number(id) - 1]?.status ?? "is due");
		return desk.sent([{ action: "settleChallenge", outcome }], { challenge: id, status }, `challenge ${id}: ${status}`);
	}
	const action = flags.cancel === true ? "cancel" : "settle";
	const outcome = await client[action](which);
	if (desk.trial) return desk.sent([{ action, outcome }], { job: id }, `job ${id}: may be ended`);
	const { job } = await one(desk, id);
	const to = job.status === "Paid" ? job.operator : job.requester;
	const text = `job ${id}: ${job.status}; ${openText(job.price)} OPEN are credited to ${to}`;
	return desk.sent([{ action, outcome }], { job: id, status: job.status, to, slashed: job.slashed }, text);
}

async function withdraw(desk: Desk, _: Flags, [given]: string[]): Promise<Outcome> {
	const client = await desk.client(JobClient);
	const who = given ?? client.address;
	const credit = await readerOf(desk).credit(who);
	const outcome = await client.withdraw(who);
	return desk.sent([{ action: "withdraw", outcome }], { to: who, amount: credit }, `${openText(credit)} OPEN to ${who}`);
}

async function show(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const { job, history } = await one(desk, id);
	const challenges = history.challenges.filter((state) => state.job === job.id);
	const text = fields(job).map(([name, value]) => `${name.padEnd(13)}${value}`);
	return { result: { ...job, challenges }, text: [...text, ...challengesText(challenges)].join("\n") };
}

async function list(desk: Desk, { open, requester, operator }: Flags): Promise<Outcome> {
	const jobs = (await readerOf(desk).jobs()).jobs.filter(
		(job) =>
			(open !== true || job.status === "Open") &&
			(requester === undefined || job.requester === requester) &&
			(operator === undefined || job.operator === operator),
	);
	const rows = jobs.map((job) => [
		...[String(job.id), job.status, job.requester, job.operator === ZeroAddress ? "any" : job.operator],
		...[openText(job.price), openText(job.bond), time(job.deadline)],
	]);
	return { result: { jobs }, text: table(["job", "status", "requester", "operator", "price OPEN", "bond OPEN", "deadline"], rows) };
}

function fields(job: JobState): [string, string][] {
	return [
		["job", `${job.id}, ${job.status}`],
		["requester", job.requester],
		["operator", job.operator === ZeroAddress ? "any" : job.operator],
		["description", job.description],
		["price", `${openText(job.price)} OPEN`],
		["bond", `${openText(job.bond)} OPEN`],
		["deadline", time(job.deadline)],
		["segments", String(job.segments)],
		["circuit", job.circuit === ZeroHash ? "none: the owner decides disputes" : job.circuit],
		...(job.attester === ZeroAddress ? [] : [["attester", job.attester] as [string, string]]),
		...(job.drawBlock === 0n ? [] : [["audit", auditText(job)] as [string, string]]),
		...(job.closesAt === 0n ? [] : [["challenges", `until ${time(job.closesAt)}`] as [string, string]]),
		...(job.slashed === 0n ? [] : [["slashed", `${openText(job.slashed)} OPEN, case ${job.case}`] as [string, string]]),
	];
}

function auditText({ audit, segment, drawBlock }: JobState): string {
	return {
		Undrawn: `drawn by block ${drawBlock}`,
		Spared: "none",
		Segment: `segment ${segment} is to be replayed`,
		All: "every segment is to be replayed",
	}[audit];
}

function challengesText(challenges: readonly ChallengeState[]): string[] {
	if (challenges.length === 0) return [];
	const rows = challenges.map(({ id, segment, challenger, status, dueAt, claim }) => [
		...[String(id), String(segment), challenger, status, time(dueAt), claim],
	]);
	return [table(["challenge", "segment", "challenger", "status", "due", "claim"], rows)];
}

async function readDigests(file: string): Promise<string[]> {
	const text = await readText(file);
	try {
		return (JSON.parse(text) as unknown[]).map((digest) => bytes32(String(digest)));
	} catch (cause) {
		throw new LedgerError("input.invalid", `--segments: expected a JSON list of digests in ${file}, got ${(cause as Error).message}`, {
			hint: "Give one 0x and 64 hex digits for each segment, in order.",
			cause,
		});
	}
}

async function readProof(file: string) {
	const text = await readText(file);
	try {
		const { schema, proof } = JSON.parse(text);
		if (schema !== "openledger.proof.v1") throw new Error(`schema ${schema}`);
		return toCalldata(parseProof(proof));
	} catch (cause) {
		throw new LedgerError("input.invalid", `--proof: expected a proof file at ${file}, got ${(cause as Error).message}`, {
			hint: "Give the proof as the prover wrote it.",
			cause,
		});
	}
}

function time(seconds: bigint): string {
	return new Date(Number(seconds) * 1000).toISOString();
}
