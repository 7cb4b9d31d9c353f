/** Options of `train` that define a run, and the manifest that they say. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ImageShape } from "../../compute/architecture.ts";
import { DEFAULTS, floatManifest, integerManifest, ridgeManifest } from "../../compute/training/defaults.ts";
import type { FloatRecipeRule } from "../../compute/training/float-learner.ts";
import type { TrainingManifest } from "../../compute/training/manifest.ts";
import { integer, seed } from "../arguments.ts";
import { UsageError } from "../exit.ts";
import type { PreparedData } from "./data.ts";
import { architectureOf, type Network, network, picture } from "./network.ts";

export interface RecipeFlags {
	readonly network: Network;
	readonly image?: ImageShape;
	readonly oneRange?: boolean;
	readonly mode: "integer" | "float";
	readonly loss: "cross-entropy" | "squared";
	readonly optimizer: "sgd" | "momentum" | "adam";
	readonly rate?: number;
	readonly momentum: number;
	readonly weightDecay: number;
	readonly batch: number;
	readonly halve: readonly number[];
	readonly ridge: number;
	readonly seed: bigint;
}

/** Names of these options, as commander keeps them. */
export const RECIPE_FLAGS = [
	"network",
	"image",
	"oneRange",
	"mode",
	"loss",
	"optimizer",
	"rate",
	"momentum",
	"weightDecay",
	"batch",
	"halve",
	"ridge",
	"seed",
];

export function addRecipeOptions(command: Command): Command {
	return command
		.addOption(
			new Option("--network <name>", "mlp:128,64 (hidden layers), conv:8,16 (channels of 3x3 convolutions), softmax or ridge")
				.argParser(network)
				.default(network("mlp:128,64"), "mlp:128,64"),
		)
		.option("--one-range", "one range for all columns instead of one for each, for pictures: always so for conv")
		.option("--image <HxW[xC]>", "size of the pictures of conv (default: square, one channel)", picture)
		.addOption(new Option("--mode <mode>", "integer: the same bits on every backend").choices(["integer", "float"]).default("integer"))
		.addOption(new Option("--loss <name>", "squared needs mode float").choices(["cross-entropy", "squared"]).default("cross-entropy"))
		.addOption(new Option("--optimizer <name>", "adam needs mode float").choices(["sgd", "momentum", "adam"]).default("momentum"))
		.option(
			"--rate <number>",
			`step length on mean gradients (default: ${DEFAULTS.rates.integer}; ${DEFAULTS.rates.float} in mode float, ${DEFAULTS.rates.adam} for adam)`,
			above,
		)
		.addOption(new Option("--momentum <share>", "what a velocity keeps").argParser(share).default(DEFAULTS.momentum))
		.addOption(new Option("--weight-decay <number>", "in mode float").argParser(positive).default(0))
		.option("--batch <n>", "rows of a step", integer(1, 2 ** 20), DEFAULTS.batch)
		.addOption(new Option("--halve <epochs>", "epochs from which on steps are halved, such as 20,25").argParser(epochs).default([], "none"))
		.addOption(new Option("--ridge <number>", "of the ridge head, relative to the mean loss").argParser(above).default(DEFAULTS.ridge))
		.addOption(new Option("--seed <n>", "of the first weights and of the order of rows").argParser(seed).default(1n, "1"));
}

/** The manifest of a run. @throws {UsageError} for options that do not go together */
export function manifestOf(flags: RecipeFlags, { data, quantisation }: PreparedData): TrainingManifest {
	const { network: name, mode, loss, optimizer, image, momentum: kept, weightDecay, batch, halve, ridge } = flags;
	if (name.kind === "ridge") return ridgeManifest({ data, quantisation, ridge });
	const architecture = architectureOf(name, data.train.d, data.k, image);
	const plan = { architecture, data, quantisation, seed: flags.seed, batch, halvings: halve };
	const momentum = optimizer === "sgd" ? 0 : kept;
	if (mode === "float") return floatManifest({ ...plan, loss, rule: ruleOf(flags) });
	const only = [
		["--optimizer adam", optimizer === "adam"],
		["--loss squared", loss === "squared"],
		["--weight-decay", weightDecay > 0],
	].find(([, given]) => given);
	if (only) throw new UsageError(`${only[0]} is of mode float, got mode integer`, "Add --mode float, or leave it out.");
	return integerManifest({ ...plan, rate: flags.rate, momentum });
}

function ruleOf({ optimizer, rate, momentum, weightDecay }: RecipeFlags): FloatRecipeRule {
	if (optimizer === "adam") {
		return { kind: "adam", rate: rate ?? DEFAULTS.rates.adam, weightDecay, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
	}
	const common = { rate: rate ?? DEFAULTS.rates.float, weightDecay };
	return optimizer === "sgd" ? { kind: "sgd", ...common } : { kind: "momentum", ...common, momentum };
}

function numberIn(range: string, holds: (number: number) => boolean): (value: string) => number {
	return (value) => {
		const number = Number(value);
		if (value.trim() !== "" && Number.isFinite(number) && holds(number)) return number;
		throw new InvalidArgumentError(`expected a number ${range}, got ${value}`);
	};
}

const above = numberIn("above 0", (number) => number > 0);
const positive = numberIn("of at least 0", (number) => number >= 0);
const share = numberIn("in [0, 1)", (number) => number >= 0 && number < 1);

function epochs(value: string): number[] {
	const list = value.split(",").map(integer(1, 2 ** 31 - 1));
	if (list.every((epoch, i) => i === 0 || epoch > (list[i - 1] as number))) return list;
	throw new InvalidArgumentError(`expected ascending epochs, got ${value}`);
}
