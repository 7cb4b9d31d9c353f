/** `openledger train`: begin a run in a folder, go on with it, or branch off. */
import { join } from "node:path";
import { Command } from "commander";
import { layerShapes } from "../../compute/architecture.ts";
import type { Backend, BackendName } from "../../compute/backend.ts";
import { readRecord, readRun, readRunData, storedSteps } from "../../compute/checkpoint/folder.ts";
import { recordDigest } from "../../compute/checkpoint/record.ts";
import { DataError } from "../../compute/errors.ts";
import { manifestDigest, stepsPerEpoch, type TrainingManifest } from "../../compute/training/manifest.ts";
import type { TrainingData } from "../../compute/training/rows.ts";
import { branchRun, runTraining } from "../../compute/training/run.ts";
import type { SegmentProgress } from "../../compute/training/segment.ts";
import type { Sums } from "../../compute/training/sums.ts";
import { integer } from "../arguments.ts";
import { backendOption, openBackendFor } from "../backend.ts";
import type { CommandContext, Outcome, Work } from "../command.ts";
import { UsageError } from "../exit.ts";
import { prepareOutput } from "../file.ts";
import { table } from "../output.ts";
import { drawCurve } from "./curve.ts";
import { addDataOptions, type DataFlags, prepareData } from "./data.ts";
import { addRecipeOptions, manifestOf, RECIPE_FLAGS, type RecipeFlags } from "./flags.ts";
import { architectureOf, nameOf } from "./network.ts";

interface Flags extends DataFlags, RecipeFlags {
	readonly backend?: BackendName;
	readonly epochs: number;
	readonly every?: number;
	readonly out?: string;
	readonly resume?: string;
	readonly from?: number;
}

export function runCommand(context: CommandContext): Command {
	return addRecipeOptions(addDataOptions(new Command("run")))
		.description("train (also without the word `run`); the same command goes on where it was stopped")
		.addOption(backendOption())
		.option("--epochs <n>", "to reach in all", integer(0, 1_000_000), 10)
		.option("--every <n>", "steps from one checkpoint to the next (default: an epoch)", integer(1, 2 ** 31 - 1))
		.option("--out <dir>", "folder of the run: manifest, rows, checkpoints, loss.svg")
		.option("--resume <dir>", "go on with the run of a folder, with its own rows and options")
		.option("--from <step>", "with --resume and --out: branch off at this checkpoint", integer(0, 2 ** 31 - 1))
		.action((flags: Flags, command: Command) =>
			context.run("openledger.train.v1", (work) => train(flags, work, (name) => command.getOptionValueSource(name) === "cli")),
		);
}

type Given = (name: string) => boolean;

async function train(flags: Flags, { progress, signal }: Work, given: Given): Promise<Outcome> {
	progress({ phase: "data", done: 0, total: 1, note: flags.resume ?? flags.data ?? "" });
	const { folder, manifest, data } = flags.resume === undefined ? await newRun(flags) : await oldRun(flags, flags.resume, given);
	const { backend } = await openBackendFor({ committed: manifest.mode !== "float" }, flags.backend);
	const tell = (event: SegmentProgress) =>
		progress({ phase: "train", done: event.step, total: event.to, note: `epoch ${event.epoch + 1}, ${noteOf(event)}` });
	// The ridge head is solved in one step.
	const epochs = manifest.mode === "ridge" ? Math.min(1, flags.epochs) : flags.epochs;
	try {
		await runTraining({ folder, manifest, data, backend, epochs, every: flags.every, signal, progress: tell });
	} catch (error) {
		// What was refused has no curve of its own.
		if (signal.aborted || (error as { code?: unknown }).code === "DIVERGED") await drawCurve(folder, manifest);
		throw error;
	} finally {
		await backend.close();
	}
	await drawCurve(folder, manifest);
	return outcome(folder, manifest, backend);
}

interface Run {
	readonly folder: string;
	readonly manifest: TrainingManifest;
	readonly data: TrainingData;
}

async function newRun(flags: Flags): Promise<Run> {
	const { data: path, out } = flags;
	if (path === undefined || out === undefined) {
		throw new UsageError(
			`expected --data and --out, got ${path === undefined ? "no --data" : "no --out"}`,
			"Or go on with a run: --resume DIR.",
		);
	}
	if (flags.from !== undefined) throw new UsageError("--from is of --resume, got none", "Say which run to branch off: --resume DIR.");
	await prepareOutput(join(out, "loss.svg"));
	const prepared = await prepareData({ ...flags, data: path }, { oneRange: flags.oneRange === true || flags.network.kind === "conv" });
	return { folder: out, manifest: manifestOf(flags, prepared), data: prepared.data };
}

async function oldRun(flags: Flags, resume: string, given: Given): Promise<Run> {
	// A network may be named: it is held against that of the run.
	const named = given("network") ? ["network", "image"] : [];
	const fixed = RECIPE_FLAGS.find((name) => given(name) && !named.includes(name));
	if (fixed !== undefined) {
		const option = fixed.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
		throw new UsageError(`--${option} is fixed by the run in ${resume}`, "Leave it out, or begin another run with --data and --out.");
	}
	const manifest = await readRun(resume);
	const { quantisation } = manifest;
	const data =
		flags.data === undefined ? await readRunData(resume) : (await prepareData({ ...flags, data: flags.data }, { quantisation })).data;
	if (given("network")) checkNetwork(flags, manifest, resume);
	const steps = await storedSteps(resume);
	const from = flags.from ?? steps.at(-1);
	if (flags.out === undefined && from !== steps.at(-1)) {
		throw new UsageError(
			`--from ${from}: expected --out for a step before the last one (${steps.at(-1)})`,
			"Give another folder for the branch; the run stays as it is.",
		);
	}
	if (flags.out === undefined || from === undefined) return { folder: resume, manifest, data };
	await prepareOutput(join(flags.out, "loss.svg"));
	await branchRun(resume, flags.out, from);
	return { folder: flags.out, manifest, data };
}

function checkNetwork({ network, image }: Flags, { mode, data, architecture }: TrainingManifest, resume: string): void {
	const [expected, got] = [
		`${nameOf(architecture)}${mode === "ridge" ? ", ridge" : ""}`,
		`${nameOf(architectureOf(network, data.d, data.k, image ?? architecture.input))}${network.kind === "ridge" ? ", ridge" : ""}`,
	];
	if (expected === got) return;
	throw new DataError(
		"CHECKPOINT_MISMATCH",
		`${resume}: expected the network ${expected} (of the run), got ${got}`,
		"Leave --network out, or begin another run with --data and --out.",
	);
}

/** Checkpoints that a person is shown. */
const SHOWN = 10;

async function outcome(folder: string, manifest: TrainingManifest, { name, adapter }: Backend): Promise<Outcome> {
	const steps = await storedSteps(folder);
	const checkpoints = (await Promise.all(steps.map((step) => readRecord(folder, step)))).map(({ record }) => ({
		...{ step: record.step, epoch: record.step / stepsPerEpoch(manifest), digest: recordDigest(record) },
		...{ training: meansOf(record.training), test: record.test && meansOf(record.test) },
	}));
	const parameters = layerShapes(manifest.architecture).reduce((sum, { inputs, outputs }) => sum + (inputs + 1) * outputs, 0);
	const digest = manifestDigest(manifest);
	const last = checkpoints.at(-1);
	const every = Math.ceil(checkpoints.length / SHOWN);
	const shown = checkpoints.filter((one, i) => i % every === 0 || one === last);
	const { train, test } = manifest.data;
	return {
		result: {
			folder,
			manifest: digest,
			mode: manifest.mode,
			parameters,
			backend: { name, adapter },
			checkpoints,
			chart: join(folder, "loss.svg"),
		},
		text: [
			`${nameOf(manifest.architecture)}, ${parameters} parameters, mode ${manifest.mode}, on ${name}`,
			`${train.n} rows, ${test?.n ?? 0} held out; ${stepsPerEpoch(manifest)} steps an epoch`,
			"",
			table(
				["step", "epoch", "loss", "accuracy", "held-out loss", "held-out accuracy"],
				shown.map(({ step, epoch, training, test: held }) => [String(step), epoch.toFixed(1), ...cells(training), ...cells(held)]),
			),
			"",
			`run         ${digest}`,
			`checkpoint  ${last?.digest}`,
			`written to  ${folder}`,
		].join("\n"),
	};
}

/** Mean loss and share of right predictions; null over no rows. */
interface Means {
	readonly rows: number;
	readonly loss: number | null;
	readonly accuracy: number | null;
}

function meansOf({ rows, loss, right }: Sums): Means {
	return rows === 0 ? { rows, loss: null, accuracy: null } : { rows, loss: loss / rows, accuracy: right / rows };
}

function cells(means: Means | null): string[] {
	if (means?.loss == null || means.accuracy === null) return ["-", "-"];
	return [means.loss.toFixed(4), `${(100 * means.accuracy).toFixed(2)}%`];
}

function noteOf({ training, test }: SegmentProgress): string {
	const say = (means: Means | null) => {
		const [loss, accuracy] = cells(means);
		return `loss ${loss}, accuracy ${accuracy}`;
	};
	return `${say(meansOf(training))}${test ? `; held out ${say(meansOf(test))}` : ""}`;
}
