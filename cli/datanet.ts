/** `openledger datanet ...`: what may be contributed, for makers, curators, contributors, challengers and the owner. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { ZeroAddress, ZeroHash } from "ethers";
import type { ChallengeState, DatanetState, SubmissionState } from "../ledger/datanet-history.ts";
import { DatanetReader, type DatanetsNow } from "../ledger/datanet-reader.ts";
import { type Bonded, DatanetClient, type DatanetTerms } from "../ledger/datanets.ts";
import { type RejectReason, rejectReasons } from "../ledger/enums.ts";
import { LedgerError } from "../ledger/errors.ts";
import { parseProof, toCalldata } from "../prover/proof.ts";
import { address, amount, bytes32, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, readText, type Step } from "./desk.ts";
import { UsageError } from "./exit.ts";
import { open as openText, table } from "./output.ts";

interface Flags extends DeskFlags {
	curator?: string;
	curated?: boolean;
	bond?: bigint;
	rows?: number;
	submissions?: number;
	window?: number;
	decision?: number;
	licence?: string;
	circuit?: string;
	reason?: RejectReason;
	digest?: string;
	uri?: string;
	evidence?: string;
	proof?: string;
	original?: string;
	uphold?: boolean;
	dismiss?: boolean;
	to?: string;
	steward?: string;
	remove?: boolean;
	datanet?: number;
	contributor?: string;
}

const DAY = 86_400;
const MOST = 2 ** 32 - 1;

export function datanetCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "datanet", "datanets: who may contribute which dataset, with bonds and challenges");
	const number = (command: Command, what: string) => command.argument(`<${what}>`, `number of the ${what}`, integer(1, 2 ** 48 - 1));
	noun
		.sending("create", "make a datanet; its terms never change", create)
		.requiredOption("--bond <open>", "OPEN of each submission and each challenge, at least 1", amount)
		.requiredOption("--licence <id>", "id of an active Licence record", bytes32)
		.option("--curated", "the curator accepts and rejects (default: what stands its window is accepted)")
		.option("--curator <address>", "who curates, closes and names stewards (default: you)", address)
		.option("--rows <count>", "most rows of one contribution", integer(1, MOST), 1_000_000)
		.option("--submissions <count>", "how many of a contributor may stand at a time", integer(1, MOST), 16)
		.option("--window <seconds>", "challenge window", integer(DAY, 30 * DAY), 3 * DAY)
		.option("--decision <seconds>", "time of the curator (default: 7 days)", integer(DAY, 30 * DAY))
		.option("--circuit <id>", "circuit that decides disputes by proof", bytes32);
	number(noun.sending("hand-over", "offer the curator's place to somebody; without --to: take the offer back", handOver), "datanet").option(
		"--to <address>",
		"who may take over",
		address,
	);
	number(noun.sending("take-over", "take the curator's place that was offered to you", takeOver), "datanet");
	number(noun.sending("steward", "have a steward's epochs count for reputation, as the curator", steward), "datanet")
		.requiredOption("--steward <address>", "whose epochs", address)
		.option("--remove", "count them no more");
	number(noun.sending("close", "end submissions for ever, as the curator", close), "datanet");
	number(noun.sending("submit", "submit a dataset of yours; what its bond lacks is deposited first", submit), "datanet").argument(
		"<record>",
		"id of your Dataset record",
		bytes32,
	);
	number(noun.sending("accept", "accept a submission, as the curator", accept), "submission");
	number(noun.sending("reject", "reject a submission, as the curator; its bond is free", reject), "submission")
		.addOption(reasonOption())
		.option("--digest <hex>", "keccak256 of what explains it", bytes32)
		.option("--uri <uri>", "where that is to be found");
	number(noun.sending("withdraw", "take a submission out; the same again after its window frees the bond", withdraw), "submission");
	number(noun.sending("challenge", "challenge a submission; what the bond lacks is deposited first", challenge), "submission")
		.requiredOption("--evidence <hex>", "keccak256 of what supports it", bytes32)
		.option("--uri <uri>", "where that is to be found");
	number(noun.sending("resolve", "end a challenge: by --proof, by --uphold or --dismiss as the owner, or by time", resolve), "challenge")
		.option("--proof <file>", "proof of the datanet's dispute circuit, made for this challenger")
		.option("--original <id>", "the earlier Dataset record that the proof is about", bytes32)
		.option("--uphold", "remove the submission")
		.option("--dismiss", "keep it");
	noun
		.reading("list", "datanets, and the submissions of one", list)
		.option("--datanet <number>", "show its submissions and their challenges", integer(1, MOST))
		.option("--contributor <address>", "only submissions of this one", address);
	number(noun.reading("show", "one submission, with its challenges", show), "submission");
	return noun.command;
}

function reasonOption(): Option {
	return new Option("--reason <reason>", rejectReasons.join(", ")).default("Unstated").argParser((value: string) => {
		if (!rejectReasons.some((reason) => reason === value)) {
			throw new InvalidArgumentError(`expected one of ${rejectReasons.join(", ")}, got ${value}`);
		}
		return value;
	});
}

const clientOf = (desk: Desk): Promise<DatanetClient> => desk.client(DatanetClient);

async function historyOf({ deployment, provider }: Desk): Promise<DatanetsNow> {
	return new DatanetReader({ deployment, provider }).history();
}

/** The one with this number. */
function one<State>(states: readonly State[], what: string, id: bigint): State {
	const found = states[Number(id) - 1];
	if (found !== undefined) return found;
	throw new LedgerError("input.invalid", `datanet: expected a ${what} that was made here, got ${id}`, {
		hint: "See `datanet list`, and check the deployment file.",
	});
}

async function create(desk: Desk, flags: Flags): Promise<Outcome> {
	const client = await clientOf(desk);
	const { bond, licence, rows, submissions, window, circuit, curator = client.address } = flags as Required<Flags>;
	const common = { curator, bond, licence, maxRows: rows, maxSubmissions: submissions, challengeWindow: window };
	const terms: DatanetTerms = {
		...common,
		...(flags.curated === true ? { mode: "Curated", decisionPeriod: flags.decision ?? 7 * DAY } : { mode: "Open" }),
		...(circuit === undefined ? {} : { circuit }),
	};
	if (flags.curated !== true && flags.decision !== undefined) {
		throw new UsageError("create: expected --decision only with --curated, got it without", "An open datanet accepts by time.");
	}
	const { datanet, ...outcome } = await client.create(terms);
	return desk.sent(
		[{ action: "create", outcome }],
		{ datanet, terms },
		`datanet ${datanet ?? "?"}, ${terms.mode}, bond ${openText(bond)} OPEN`,
	);
}

/** A verb of one call about one number. */
function call(
	action: string,
	name: string,
	send: (client: DatanetClient, id: bigint, flags: Flags) => Promise<Step["outcome"]>,
	text: string,
) {
	return async (desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> => {
		const outcome = await send(await clientOf(desk), BigInt(id as string), flags);
		return desk.sent([{ action, outcome }], { [name]: id }, `${name} ${id}: ${text}`);
	};
}

const handOver = call(
	"proposeCurator",
	"datanet",
	(client, datanet, { to }) => client.proposeCurator({ datanet, ...(to === undefined ? {} : { to }) }),
	"the offer is made or taken back",
);
const takeOver = call("acceptCurator", "datanet", (client, id) => client.acceptCurator(id), "you are the curator");
const steward = call(
	"nameSteward",
	"datanet",
	(client, datanet, flags) => client.nameSteward({ datanet, steward: flags.steward as string, named: flags.remove !== true }),
	"the steward is named or removed",
);
const close = call("closeDatanet", "datanet", (client, id) => client.closeDatanet(id), "takes no submissions any more");
const accept = call("accept", "submission", (client, id) => client.accept(id), "accepted");
const reject = call(
	"reject",
	"submission",
	(client, submission, { reason = "Unstated", digest = ZeroHash, uri = "" }) => client.reject({ submission, reason, digest, uri }),
	"rejected; its bond is free",
);

async function submit(desk: Desk, _: Flags, [id, record]: string[]): Promise<Outcome> {
	const client = await clientOf(desk);
	const { submission, ...outcome } = await client.submit({ datanet: BigInt(id as string), record: record as string });
	return desk.sent(bonded("submit", outcome), { datanet: id, record, submission }, notYet(outcome, `submission ${submission ?? "?"}`));
}

async function challenge(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const client = await clientOf(desk);
	const { evidence, uri = "" } = flags as Required<Flags>;
	const made = await client.challenge({ submission: BigInt(id as string), evidence, uri });
	const { challenge: number, ...outcome } = made;
	return desk.sent(bonded("challenge", outcome), { submission: id, challenge: number }, notYet(outcome, `challenge ${number ?? "?"}`));
}

/** The deposit, and the call: in a trial run the call is left out when the deposit must come first. */
function bonded(action: string, outcome: Bonded): Step[] {
	const { deposit } = outcome;
	const steps = deposit === undefined ? [] : [{ action: "depositWithPermit", outcome: deposit }];
	return isRefusedYet(outcome) ? steps : [...steps, { action, outcome }];
}

function notYet(outcome: Bonded, text: string): string {
	return isRefusedYet(outcome) ? "the deposit comes first; what follows cannot be estimated before it" : text;
}

function isRefusedYet({ deposit, hash, gasUsed }: Bonded): boolean {
	return deposit !== undefined && hash === "" && gasUsed === 0n;
}

async function withdraw(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const history = await historyOf(desk);
	const submission = one(history.submissions, "submission", BigInt(id as string));
	const client = await clientOf(desk);
	const status = history.status(submission);
	if (status === "Pending" || status === "Accepted") {
		const outcome = await client.startWithdrawal(submission.id);
		const { challengeWindow } = one(history.datanets, "datanet", submission.datanet);
		const text = `submission ${id} takes no contributions any more; in ${challengeWindow} s run the same again`;
		return desk.sent([{ action: "startWithdrawal", outcome }], { submission: id, status: "Leaving" }, text);
	}
	const outcome = await client.withdraw(submission.id);
	const text = `the bond of submission ${id} is free stake of ${submission.contributor}`;
	return desk.sent([{ action: "withdraw", outcome }], { submission: id, status: "Withdrawn" }, text);
}

async function resolve(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const { proof, uphold = false, dismiss = false } = flags;
	if ([proof !== undefined, uphold, dismiss].filter(Boolean).length > 1) {
		throw new UsageError("resolve: expected at most one of --proof, --uphold and --dismiss", "Without any of them, time decides.");
	}
	const client = await clientOf(desk);
	const number = BigInt(id as string);
	const sent = (action: string, outcome: Step["outcome"], text: string) =>
		desk.sent([{ action, outcome }], { challenge: id }, `challenge ${id}: ${text}`);
	if (proof !== undefined) {
		const given = { ...(await readDispute(proof)), ...(flags.original === undefined ? {} : { original: flags.original }) };
		return sent("resolve", await client.resolve({ challenge: number, ...given }), "upheld by proof; the submission is removed");
	}
	if (!uphold && !dismiss) return sent("closeChallenge", await client.closeChallenge(number), "dismissed by time, or moot");
	const text = uphold ? "upheld; the submission is removed" : "dismissed";
	return sent("decide", await client.decide({ challenge: number, upheld: uphold }), text);
}

/** Publics after the first two, and the proof, of a proof file. */
async function readDispute(file: string) {
	const text = await readText(file);
	try {
		const { schema, publics, proof } = JSON.parse(text);
		if (schema !== "openledger.proof.v1") throw new Error(`expected schema openledger.proof.v1, got ${schema}`);
		return {
			publics: Object.values(publics as Record<string, string>)
				.slice(2)
				.map(BigInt),
			proof: toCalldata(parseProof(proof)),
		};
	} catch (cause) {
		throw new LedgerError("input.invalid", `--proof: expected a proof file at ${file}, got ${(cause as Error).message}`, {
			hint: "Give the proof as the prover wrote it.",
			cause,
		});
	}
}

async function list(desk: Desk, { datanet, contributor }: Flags): Promise<Outcome> {
	const history = await historyOf(desk);
	if (datanet === undefined && contributor === undefined) {
		const rows = history.datanets.map((state) => [
			...[String(state.id), state.mode, state.curator === ZeroAddress ? "-" : state.curator, openText(state.bond), String(state.maxRows)],
			...[state.closed ? "closed" : "open", state.listed ? "listed" : "-"],
		]);
		const { datanets } = history;
		return { result: { datanets }, text: table(["datanet", "mode", "curator", "bond OPEN", "rows", "intake", "reputation"], rows) };
	}
	const submissions = history.submissions.filter(
		(state) =>
			(datanet === undefined || state.datanet === BigInt(datanet)) && (contributor === undefined || state.contributor === contributor),
	);
	const shown = submissions.map((state) => ({ ...state, status: history.status(state) }));
	const rows = shown.map(({ id, datanet: at, contributor: who, digest, status, challenges }) => [
		...[String(id), String(at), who, digest, status, String(challenges)],
	]);
	return { result: { submissions: shown }, text: table(["submission", "datanet", "contributor", "digest", "status", "challenges"], rows) };
}

async function show(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const history = await historyOf(desk);
	const submission = one(history.submissions, "submission", BigInt(id as string));
	const datanet = one(history.datanets, "datanet", submission.datanet);
	const challenges = history.challenges.filter((state) => state.submission === submission.id);
	const status = history.status(submission);
	const text = [
		fields(submission, datanet, status)
			.map(([name, value]) => `${name.padEnd(12)}${value}`)
			.join("\n"),
		challengesText(challenges),
	];
	return { result: { ...submission, status, challenges, datanet }, text: text.filter(Boolean).join("\n") };
}

function fields(submission: SubmissionState, datanet: DatanetState, status: string): [string, string][] {
	const { contributor, digest, due, rejection } = submission;
	const due_ = new Date(Number(due) * 1000).toISOString();
	const when = status === "Pending" ? `; until ${due_}` : status === "Leaving" ? `; the bond from ${due_}` : "";
	return [
		["submission", `${submission.id} in datanet ${datanet.id} (${datanet.mode})`],
		["contributor", contributor],
		["digest", digest],
		["status", `${status}${when}`],
		["bond", `${openText(datanet.bond)} OPEN`],
		...(rejection === undefined ? [] : [["rejected", `${rejection.reason} ${rejection.uri}`] as [string, string]]),
	];
}

function challengesText(challenges: readonly ChallengeState[]): string {
	if (challenges.length === 0) return "";
	const rows = challenges.map(({ id, challenger, ruling, by, due, uri }) => [
		...[String(id), challenger, ruling, by ?? "-", new Date(Number(due) * 1000).toISOString(), uri],
	]);
	return table(["challenge", "challenger", "ruling", "by", "due", "evidence"], rows);
}
