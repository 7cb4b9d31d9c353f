/**
 * All methods by name, ready for the two sides of a data set: what the command line offers and compares. Each entry says what its
 * players are: "rows" gives a score per row (a contributor's is their sum), "groups" a score per contributor.
 */
import { pathParameters } from "../circuits/path.ts";
import { DataError } from "../compute/errors.ts";
import { splitmix64 } from "../compute/random.ts";
import { type Checkpoint, train } from "../compute/training/train.ts";
import { trainAdapter } from "./influence/adapter.ts";
import { dataInfMethod } from "./influence/datainf.ts";
import { influenceCgMethod } from "./influence/influence-cg.ts";
import { influenceRidgeMethod } from "./influence/influence-ridge.ts";
import { influenceSoftmaxMethod } from "./influence/influence-softmax.ts";
import { leaveOneOutMethod } from "./influence/leave-one-out.ts";
import type { Awaitable, Cached, Control } from "./method.ts";
import { ekfacMethod } from "./network/ekfac.ts";
import { sourceMethod } from "./network/source.ts";
import { tangentKernelMethod } from "./network/tangent-kernel.ts";
import { gradDotMethod, tracInMethod } from "./network/tracin.ts";
import { trakMethod } from "./network/trak.ts";
import { ridgePathRowsMethod } from "./ridge-path-rows.ts";
import { floatsOf, networkRowsOf, type Sides } from "./sides.ts";
import { banzhafMethod } from "./valuation/banzhaf.ts";
import { betaShapleyMethod } from "./valuation/beta-shapley.ts";
import { dataOobMethod } from "./valuation/data-oob.ts";
import { exactShapleyMethod } from "./valuation/exact-shapley.ts";
import { type Game, groupGame } from "./valuation/game.ts";
import { knnShapleyMethod } from "./valuation/knn-shapley.ts";
import { outOfFoldMethod } from "./valuation/out-of-fold.ts";
import { rowsLossGame } from "./valuation/rows-game.ts";
import { softKnnShapleyMethod } from "./valuation/soft-knn-shapley.ts";
import { tmcShapleyMethod } from "./valuation/tmc-shapley.ts";

/** What a user may set; each method takes what concerns it. */
export interface CatalogueOptions {
	/** Of heads, relative to the mean loss, above 0. */
	readonly ridge: number;
	/** K of KNN-Shapley. */
	readonly neighbours: number;
	/** Permutations, coalitions or trees at most. */
	readonly draws: number;
	/** Players of the games (tmc-shapley, banzhaf, beta-shapley). */
	readonly players: Players;
	/** Of everything that is drawn. */
	readonly seed: bigint;
	/** Hidden layers of networks. */
	readonly hidden: readonly number[];
	readonly epochs: number;
	/** Networks of an ensemble. */
	readonly networks: number;
}

export const DEFAULTS: CatalogueOptions = {
	ridge: 1e-3,
	neighbours: 5,
	draws: 400,
	players: "groups",
	seed: 1n,
	hidden: [64],
	epochs: 20,
	networks: 3,
};

export type Players = "rows" | "groups";

/** A method, ready for its training side; its test side comes in the form that the method takes. */
export interface Ready extends Pick<Cached<Sides["test"]>, "attribute" | "pairs"> {
	readonly players: Players;
}

export interface CatalogueEntry {
	readonly name: string;
	/** One line: what it asks. */
	readonly about: string;
	ready(sides: Sides, options: CatalogueOptions, control?: Control): Promise<Ready>;
}

const entry = (name: string, about: string, ready: CatalogueEntry["ready"]): CatalogueEntry => ({ name, about, ready });

/** A method over rows; `form` makes of bytes what it takes. */
async function overRows<Form>(cached: Awaitable<Cached<Form>>, form: (test: Sides["test"]) => Form): Promise<Ready> {
	const { attribute, pairs } = await cached;
	return {
		players: "rows",
		attribute: (test, control) => attribute(form(test), control),
		...(pairs === undefined ? {} : { pairs: (test, control) => pairs(form(test), control) }),
	};
}

const same = <Form>(form: Form): Form => form;

/** Minus the loss of the ridge head of a coalition; the players are rows or contributors. */
function gameOf({ groups }: Sides, { ridge }: CatalogueOptions, players: Players) {
	return (rows: Sides["train"], test: Sides["test"]): Game => {
		const [own, queries] = [floatsOf(rows), floatsOf(test)];
		const game = rowsLossGame({ train: own, test: queries, ridge: ridge * own.n });
		return players === "rows" ? game : groupGame(game, groups);
	};
}

async function overGame(players: Players, cached: Awaitable<Cached<Sides["test"]>>): Promise<Ready> {
	const { attribute } = await cached;
	return { players, attribute };
}

/** Parts of a training after which checkpoints are kept. */
const WHOLE = [0.2, 0.4, 0.6, 0.8, 1];
/** Of its first third, before rows are memorised (network/tangent-kernel.ts). */
const EARLY = [0.06, 0.1, 0.14, 0.2, 0.3];
const BATCH = 32;
const MOMENTUM = 0.9;

async function checkpointsOf(
	{ train: rows }: Sides,
	{ hidden, epochs }: CatalogueOptions,
	seed: bigint,
	parts: readonly number[],
	control: Control = {},
): Promise<readonly Checkpoint[]> {
	const kept = [...new Set(parts.map((part) => Math.max(1, Math.round(part * epochs))))];
	const options = { sizes: hidden, epochs, batch: BATCH, rate: 0.05, momentum: MOMENTUM, seed, checkpoints: kept };
	return (await train(networkRowsOf(rows), rows.k, { ...options, ...control })).checkpoints;
}

/** Checkpoints of several trainings that differ in their seed. */
async function ensembleOf(
	sides: Sides,
	options: CatalogueOptions,
	parts: readonly number[],
	control: Control = {},
): Promise<(readonly Checkpoint[])[]> {
	const draw = splitmix64(options.seed);
	const all: (readonly Checkpoint[])[] = [];
	for (let one = 0; one < options.networks; one++) {
		all.push(await checkpointsOf(sides, options, draw(), parts, { signal: control.signal }));
		control.progress?.(one + 1, options.networks);
	}
	return all;
}

const last = (checkpoints: readonly Checkpoint[]) => (checkpoints.at(-1) as Checkpoint).network;

/** In the order of a help text: what pays first. */
export const catalogue: readonly CatalogueEntry[] = [
	entry("ridge-path", "the method that pays: the Aumann-Shapley value of each row along the ridge path", ({ train: rows }) =>
		overRows(ridgePathRowsMethod<Sides["train"]>(pathParameters(rows.d, 12)).cache(rows), same),
	),
	entry("influence-ridge", "exact influence on the squared loss of the ridge head", ({ train: rows }, { ridge }) =>
		overRows(influenceRidgeMethod({ ridge }).cache(floatsOf(rows)), floatsOf),
	),
	entry("influence-softmax", "exact influence on the cross-entropy of the softmax head", ({ train: rows }, { ridge }, control) =>
		overRows(influenceSoftmaxMethod({ ridge }).cache(floatsOf(rows), control), floatsOf),
	),
	entry("influence-cg", "the same by conjugate gradients, for heads too large for their Hessian", ({ train: rows }, { ridge }, control) =>
		overRows(influenceCgMethod({ ridge }).cache(floatsOf(rows), control), floatsOf),
	),
	entry("leave-one-out", "the loss without each row, by exact retraining of the ridge head", ({ train: rows }, { ridge }, control) =>
		overRows(leaveOneOutMethod({ loss: "squared", ridge }).cache(floatsOf(rows), control), floatsOf),
	),
	entry(
		"datainf",
		"influence on a low-rank adapter of a linear head, in closed form",
		async ({ train: rows }, { seed, epochs }, control) => {
			const own = floatsOf(rows);
			const options = { rank: Math.min(4, rows.k), rate: 0.01, epochs, batch: 32, seed };
			const adapter = await trainAdapter(own, new Float64Array(rows.d * rows.k), options, control);
			return overRows(dataInfMethod({ adapter }).cache(own), floatsOf);
		},
	),
	entry("knn-shapley", "the exact Shapley value of rows as voting neighbours", ({ train: rows }, { neighbours }, control) =>
		overRows(knnShapleyMethod<Sides["train"]>({ neighbours }).cache(rows, control), same),
	),
	entry("soft-knn-shapley", "the same where fewer neighbours are no worse than wrong ones", ({ train: rows }, { neighbours }, control) =>
		overRows(softKnnShapleyMethod<Sides["train"]>({ neighbours }).cache(rows, control), same),
	),
	entry("exact-shapley", "the exact Shapley value of up to 16 contributors, of the ridge head's loss", (sides, options, control) =>
		overGame("groups", exactShapleyMethod({ game: gameOf(sides, options, "groups") }).cache(sides.train, control)),
	),
	entry("tmc-shapley", "the Shapley value by random orders, with error bars", (sides, options, control) =>
		overGame(
			options.players,
			tmcShapleyMethod({ game: gameOf(sides, options, options.players), tolerance: 0.01, ...options }).cache(sides.train, control),
		),
	),
	entry("banzhaf", "the Banzhaf value by random coalitions, with error bars", (sides, options, control) =>
		overGame(options.players, banzhafMethod({ game: gameOf(sides, options, options.players), ...options }).cache(sides.train, control)),
	),
	entry("beta-shapley", "the Beta(16, 1) Shapley value, with error bars", (sides, options, control) =>
		overGame(
			options.players,
			betaShapleyMethod({ game: gameOf(sides, options, options.players), alpha: 16, beta: 1, ...options }).cache(sides.train, control),
		),
	),
	entry("data-oob", "how often trees grown without a row say its label", ({ train: rows }, { seed, draws }, control) =>
		overRows(dataOobMethod({ seed, draws, precision: 0 }).cache(floatsOf(rows), control), same),
	),
	entry("out-of-fold", "whether ridge heads of all other rows say a row's label", ({ train: rows }) =>
		overRows(outOfFoldMethod().cache(floatsOf(rows)), same),
	),
	entry("grad-dot", "inner products of a network's gradients", async (sides, options, control) => {
		const network = last(await checkpointsOf(sides, options, options.seed, WHOLE, control));
		return overRows(gradDotMethod({ network }).cache(networkRowsOf(sides.train)), networkRowsOf);
	}),
	entry("tracin", "inner products of gradients over the checkpoints of a network's training", async (sides, options, control) => {
		const checkpoints = await checkpointsOf(sides, options, options.seed, WHOLE, control);
		return overRows(tracInMethod({ checkpoints }).cache(networkRowsOf(sides.train)), networkRowsOf);
	}),
	entry("trak", "influence in the linear model of projected gradients, over networks", async (sides, options, control) => {
		const networks = (await ensembleOf(sides, options, WHOLE, control)).map(last);
		const dimension = Math.max(1, Math.min(512, Math.floor(sides.train.n / 2)));
		return overRows(trakMethod({ networks, dimension, seed: options.seed }).cache(networkRowsOf(sides.train), control), networkRowsOf);
	}),
	entry("ekfac", "influence with eigenvalue-corrected Kronecker factors, over networks", async (sides, options, control) => {
		const networks = (await ensembleOf(sides, options, WHOLE, control)).map(last);
		return overRows(ekfacMethod({ networks }).cache(networkRowsOf(sides.train), control), networkRowsOf);
	}),
	entry("source", "influence over the segments of a network's training, unrolled", async (sides, options, control) => {
		const checkpoints = await checkpointsOf(sides, options, options.seed, [0.1, 0.3, 1], control);
		const segments = checkpoints.length;
		const stepsPerEpoch = Math.ceil(sides.train.n / BATCH);
		const method = sourceMethod({ checkpoints, segments, stepsPerEpoch, momentum: MOMENTUM });
		return overRows(method.cache(networkRowsOf(sides.train), control), networkRowsOf);
	}),
	entry("tangent-kernel", "influence in the kernel machine that a network is close to, over trainings", async (sides, options, control) => {
		const trainings = (await ensembleOf(sides, options, EARLY, control)).map((checkpoints) => checkpoints.map(({ network }) => network));
		return overRows(tangentKernelMethod({ trainings }).cache(networkRowsOf(sides.train), control), networkRowsOf);
	}),
];

/** The method of a name. @throws {DataError} PARAMETER_OUT_OF_RANGE */
export function methodNamed(name: string): CatalogueEntry {
	const found = catalogue.find((one) => one.name === name);
	if (found) return found;
	const known = catalogue.map((one) => one.name).join(", ");
	throw new DataError("PARAMETER_OUT_OF_RANGE", `attribute: expected a method, got ${name}`, `Choose one of ${known}.`);
}
