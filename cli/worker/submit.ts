/** `openledger worker submit KIND`: hands compute jobs over; when it returns, they are on record. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { DEFAULTS } from "../../attribution/catalogue.ts";
import { readBackbone } from "../../compute/backbone/file.ts";
import { checkpointName, readCheckpoint, readRun, readState, runDataPath, storedSteps } from "../../compute/checkpoint/folder.ts";
import { DataError } from "../../compute/errors.ts";
import { MAX_CLASSES } from "../../compute/table.ts";
import { type ComputeJob, checkJob, INFLUENCE_METHODS, type InfluenceOptions } from "../../network/compute/job.ts";
import { decodeRows } from "../../network/compute/rows.ts";
import { computeSubmission, JOB_DEVICES, type JobDevice } from "../../network/compute/submission.ts";
import { integer, seed } from "../arguments.ts";
import { layers } from "../attribution/score.ts";
import { positive } from "../attribution/setting.ts";
import type { CommandContext } from "../command.ts";
import { FileError } from "../file.ts";
import { type SubmissionFlags, submitAll, withSubmission } from "../queue/submission.ts";
import { type ContentFlags, contentFolder, contentOption, WORKER } from "./noun.ts";
import { classesOf, inputOf, type RowsFile, readRowsFile, type ScaleFlags, withScale } from "./rows.ts";

interface Flags extends SubmissionFlags, ContentFlags {
	device: JobDevice;
}

interface StatisticsFlags extends Flags, ScaleFlags {
	rows: string;
	classes?: number;
}

interface FeaturesFlags extends Flags, ScaleFlags {
	rows: string;
	backbone: string;
}

interface TrainFlags extends Flags {
	run: string;
	from?: number;
	to: number;
}

interface InfluenceFlags extends Flags, ScaleFlags, Omit<InfluenceOptions, "seed"> {
	train: string;
	test: string;
	classes?: number;
	method: string;
	seed?: bigint;
}

export function submitCommand(context: CommandContext): Command {
	const kind = <Own extends Flags>(command: Command, make: (flags: Own) => Promise<ComputeJob>): Command =>
		withSubmission(WORKER, command)
			.addOption(
				new Option("--device <backend>", "what it must be run on; the result is the same on all").choices(JOB_DEVICES).default("any"),
			)
			.addOption(contentOption())
			.action((flags: Own) =>
				context.run("openledger.worker.submit.v1", async (work) =>
					submitAll(WORKER, flags, [computeSubmission(await make(flags), flags.device)], work),
				),
			);
	const classes = integer(1, MAX_CLASSES);
	const rows = "safetensors with x, label and weight, or a table: CSV (also .gz), Parquet or IDX";
	return new Command("submit")
		.description("submit a compute job; the same job submitted again is the same job")
		.addCommand(
			kind(
				withScale(new Command("statistics"))
					.description("exact weighted Gram statistics of rows")
					.requiredOption("--rows <file>", rows)
					.option("--classes <k>", "number of classes (default: one more than the largest label)", classes),
				statisticsJob,
			),
		)
		.addCommand(
			kind(
				withScale(new Command("features"))
					.description("rows through a frozen backbone")
					.requiredOption("--rows <file>", rows)
					.requiredOption("--backbone <file>", "its manifest, with the weights beside it"),
				featuresJob,
			),
		)
		.addCommand(
			kind(
				new Command("train")
					.description("a segment of a run in mode integer: from a checkpoint of its folder to a later step")
					.requiredOption("--run <folder>", "of openledger train")
					.option("--from <step>", "checkpoint to begin at (default: the last one before --to)", integer(0, 2 ** 31))
					.requiredOption("--to <step>", "step to reach", integer(1, 2 ** 31)),
				trainJob,
			),
		)
		.addCommand(
			kind(
				withScale(new Command("influence"))
					.description("a score of each training row, by a method of attribution")
					.requiredOption("--train <file>", rows)
					.requiredOption("--test <file>", "the queries, of the same kind; a table is put on the scale of the training rows")
					.option("--classes <k>", "number of classes (default: one more than the largest label)", classes)
					.addOption(new Option("--method <name>", "how to attribute").choices(INFLUENCE_METHODS).default("ridge-path"))
					.addOption(new Option("--seed <n>", "of everything that is drawn").argParser(seed))
					.option("--ridge <number>", `of heads, relative to the mean loss (default: ${DEFAULTS.ridge})`, positive)
					.option("--neighbours <n>", `K of the KNN methods (default: ${DEFAULTS.neighbours})`, integer(1, 2 ** 20))
					.option("--draws <n>", `permutations, coalitions or trees at most (default: ${DEFAULTS.draws})`, integer(2, 10 ** 6))
					.option("--hidden <sizes>", `hidden layers of networks (default: ${DEFAULTS.hidden})`, layers)
					.option("--epochs <n>", `of the training of networks and adapters (default: ${DEFAULTS.epochs})`, integer(1, 10_000))
					.option("--networks <n>", `networks of an ensemble (default: ${DEFAULTS.networks})`, integer(1, 100)),
				influenceJob,
			),
		);
}

async function statisticsJob(flags: StatisticsFlags): Promise<ComputeJob> {
	const file = await readRowsFile(flags.rows, flags);
	const classes = classesOf([file], flags.classes);
	decodeRows(file.bytes, classes, flags.rows);
	return { kind: "statistics", rows: await rowsInput(file, flags), classes };
}

async function featuresJob(flags: FeaturesFlags): Promise<ComputeJob> {
	const { manifest, weights } = await readBackbone(flags.backbone);
	const file = await readRowsFile(flags.rows, flags);
	if (file.d !== manifest.inputs) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${flags.rows}: expected rows of ${manifest.inputs} features with the bias, as the backbone takes them, got ${file.d}`,
			"Make a backbone for this data; pictures keep all their columns with --one-range.",
		);
	}
	const folder = contentFolder(flags);
	return {
		kind: "features",
		rows: await rowsInput(file, flags),
		backbone: manifest,
		...(weights === undefined ? {} : { weights: await inputOf(weights, undefined, folder) }),
	};
}

async function trainJob({ run, from, to, ...flags }: TrainFlags): Promise<ComputeJob> {
	const manifest = await readRun(run);
	const steps = (await storedSteps(run)).filter((step) => step < to);
	const begin = from ?? steps.at(-1);
	if (begin === undefined || !steps.includes(begin)) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`${run}: expected the step of a checkpoint below ${to} (${steps.join(", ") || "none"}), got ${begin ?? "none"}`,
			"Name a step that was kept.",
		);
	}
	const folder = contentFolder(flags);
	const data = runDataPath(run);
	const { record } = await readCheckpoint(run, manifest, begin);
	// Held against their digests above; a job in another mode is refused with the job.
	return checkJob({
		kind: "train",
		manifest,
		data: await inputOf(await readBytes(data), resolve(data), folder),
		from: { record, state: await inputOf(await readState(run, begin), resolve(run, `${checkpointName(begin)}.safetensors`), folder) },
		to,
	});
}

async function readBytes(path: string): Promise<Uint8Array> {
	return readFile(path).catch((cause) => {
		throw new FileError("FILE_UNREADABLE", `expected the rows of a run at ${path}, got ${cause.message}`, "Check the folder.", cause);
	});
}

async function influenceJob(flags: InfluenceFlags): Promise<ComputeJob> {
	const { method, ridge, neighbours, draws, hidden, epochs, networks, seed: drawn } = flags;
	const train = await readRowsFile(flags.train, flags);
	const test = await readRowsFile(flags.test, flags, train.scale);
	const classes = classesOf([train, test], flags.classes);
	for (const [file, path] of [[train, flags.train] as const, [test, flags.test] as const]) decodeRows(file.bytes, classes, path);
	if (train.d !== test.d) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${flags.test}: expected queries of ${train.d} features, as the training rows have, got ${test.d}`,
			"Use one scale and one backbone for both.",
		);
	}
	const asked = { ridge, neighbours, draws, hidden, epochs, networks, seed: drawn?.toString() };
	const options = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
	return { kind: "influence", train: await rowsInput(train, flags), test: await rowsInput(test, flags), classes, method, options };
}

function rowsInput({ bytes, path }: RowsFile, flags: Flags) {
	return inputOf(bytes, path, contentFolder(flags));
}
