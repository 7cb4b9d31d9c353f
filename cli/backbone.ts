/** `openledger backbone ...`: frozen maps from bytes to features, named by their digest, and data mapped by them. */
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import type { ImageShape } from "../compute/architecture.ts";
import { type Backbone, identityBackbone, pooledPixels, randomFeatures } from "../compute/backbone/backbone.ts";
import { readBackbone, weightsPath } from "../compute/backbone/file.ts";
import { BACKBONE_SCHEMA, MAX_FEATURES } from "../compute/backbone/manifest.ts";
import type { Digest } from "../compute/digest.ts";
import { DataError } from "../compute/errors.ts";
import { writeJson, writeWhole } from "../network/epoch/json.ts";
import { bytes32, integer, seed } from "./arguments.ts";
import { applyBackbone } from "./backbone/apply.ts";
import { type TrainedFlags, trainedBackbone } from "./backbone/trained.ts";
import { backendOption } from "./backend.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { EXIT } from "./exit.ts";
import { prepareOutput, readJsonFile } from "./file.ts";
import { table } from "./output.ts";

export function backboneCommand(context: CommandContext): Command {
	const list = new Command("list")
		.description("the backbones of a folder, and whether each is whole")
		.argument("[folder]", "folder of manifests", ".")
		.action((folder: string) => context.run("openledger.backbone.list.v1", () => listBackbones(folder)));
	const show = new Command("show")
		.description("a backbone: its manifest, held against its weights, and its digest")
		.argument("<file>", "manifest")
		.option("--digest <hex>", "that it must have", bytes32)
		.action((file: string, { digest }: { digest?: Digest }) =>
			context.run("openledger.backbone.show.v1", async () => shown(file, await readBackbone(file, digest))),
		);
	const apply = new Command("apply")
		.description("map the rows of a data file; writes an IDX pair of features and labels, and a manifest")
		.argument("<file>", "manifest of the backbone")
		.requiredOption("--data <file>", "CSV (also .gz), Parquet or IDX")
		.requiredOption("--out <name>", "writes NAME-images-idx2-ubyte, NAME-labels-idx1-ubyte and NAME.json")
		.option("--label <column>", "label column, by name or 0-based index (default: the last)")
		.option("--scale <file>", "JSON with the scale of other rows: an earlier --out, a model, a training run (default: that of these rows)")
		.option("--one-range", "one range for all columns instead of one for each, for pictures: constant columns may stay")
		.option("--drop-constant", "leave out columns with a single value")
		.option("--clip", "clip values to the range of --scale")
		.option("--digest <hex>", "that the backbone must have", bytes32)
		.addOption(backendOption())
		.action((file: string, flags) => context.run("openledger.backbone.apply.v1", (work) => applyBackbone(file, flags, work)));
	return new Command("backbone")
		.description("frozen maps from bytes to features, named by their digest")
		.addCommand(list)
		.addCommand(makeCommand(context))
		.addCommand(show)
		.addCommand(apply);
}

function makeCommand(context: CommandContext): Command {
	const kind = <Flags extends { readonly out: string }>(
		name: string,
		description: string,
		make: (flags: Flags) => Backbone | Promise<Backbone>,
	) =>
		new Command(name)
			.description(description)
			.requiredOption("--out <file>", "manifest; weights, if there are any, go beside it as NAME.weights")
			.action((flags: Flags) => context.run("openledger.backbone.make.v1", () => written(flags.out, () => make(flags))));
	const size = integer(1, MAX_FEATURES);
	return new Command("make")
		.description("write the manifest of a backbone, of one kind or another")
		.addCommand(
			kind<{ features: number; out: string }>("identity", "rows as they are", ({ features }) => identityBackbone(features)).requiredOption(
				"--features <n>",
				"bytes of a row with the bias: columns + 1",
				size,
			),
		)
		.addCommand(
			kind<{ image: ImageShape; to: ImageShape; out: string }>(
				"pooled-pixels",
				"pictures of fewer pixels: the mean of each cell",
				({ image, to }) => pooledPixels({ image, pooled: { height: to.height, width: to.width } }),
			)
				.requiredOption("--image <HxW[xC]>", "size of the pictures, and their channels if not 1", picture)
				.requiredOption("--to <HxW>", "size of what comes out", picture),
		)
		.addCommand(
			kind<{ inputs: number; features: number; seed: bigint; shift?: number; out: string }>(
				"random-features",
				"a seeded random map with ReLU",
				randomFeatures,
			)
				.requiredOption("--inputs <n>", "bytes of a row with the bias: columns + 1", size)
				.requiredOption("--features <n>", "bytes of a row that comes out, with the bias", size)
				.requiredOption("--seed <n>", "in [0, 2^64)", seed)
				.option("--shift <n>", "features are sums / 2^n (default: by the inputs)", integer(1, 30)),
		)
		.addCommand(
			kind<TrainedFlags>("int8-network", "the hidden layers of a network trained by `openledger train --mode integer`", trainedBackbone)
				.requiredOption("--run <folder>", "the training run")
				.option("--step <n>", "of this checkpoint (default: the last)", integer(0, 2 ** 31 - 1)),
		);
}

async function written(out: string, make: () => Backbone | Promise<Backbone>): Promise<Outcome> {
	const path = resolve(out);
	await prepareOutput(path);
	const backbone = await make();
	// Weights first: a manifest that is there has all that it needs.
	if (backbone.weights !== undefined) {
		await prepareOutput(weightsPath(path));
		await writeWhole(weightsPath(path), backbone.weights);
	}
	await writeJson(path, backbone.manifest);
	return shown(out, backbone);
}

function shown(file: string, { digest, manifest, weights }: Backbone): Outcome {
	const { schema: _, kind, inputs, features, ...rest } = manifest;
	const more = Object.entries(rest).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
	const lines = [
		["digest", digest],
		["kind", kind],
		["rows", `${inputs} bytes to ${features}, the bias included`],
		...more,
		...(weights === undefined ? [] : [["weights file", `${weightsPath(file)}, ${weights.length} bytes`]]),
	] as [string, string][];
	return {
		result: { file, digest, manifest, weightsBytes: weights?.length ?? null },
		text: lines.map(([name, value]) => `${name.padEnd(12)}  ${value}`).join("\n"),
	};
}

/** Files of other schemas are passed over. */
async function listBackbones(folder: string): Promise<Outcome> {
	const names = await readdir(folder).catch((cause: Error) => {
		throw new DataError("FILE_MISSING", `backbone: expected a folder at ${folder}, got ${cause.message}`, "Check the path.", cause);
	});
	const found: {
		file: string;
		digest: Digest | null;
		kind: string;
		inputs: number | null;
		features: number | null;
		problem: string | null;
	}[] = [];
	for (const file of names.filter((name) => name.endsWith(".json")).sort()) {
		const path = join(folder, file);
		const given = (await readJsonFile(path, "JSON").catch(() => undefined)) as { schema?: unknown; kind?: unknown } | null | undefined;
		if (given?.schema !== BACKBONE_SCHEMA) continue;
		try {
			const { digest, manifest } = await readBackbone(path);
			found.push({ file, digest, kind: manifest.kind, inputs: manifest.inputs, features: manifest.features, problem: null });
		} catch (error) {
			if (!(error instanceof DataError)) throw error;
			found.push({ file, digest: null, kind: String(given.kind), inputs: null, features: null, problem: error.message });
		}
	}
	const rows = found.map(({ file, digest, kind, inputs, features, problem }) => [
		...[file, kind, String(inputs ?? "-"), String(features ?? "-")],
		digest ?? (problem as string),
	]);
	return {
		result: { backbones: found },
		text: rows.length === 0 ? `${folder}: no manifests of backbones` : table(["file", "kind", "inputs", "features", "digest"], rows),
		exit: found.some(({ problem }) => problem !== null) ? EXIT.invalid : EXIT.ok,
	};
}

/** Height x width, and channels if there are several. */
function picture(value: string): ImageShape {
	const match = /^(\d{1,4})x(\d{1,4})(?:x(\d{1,4}))?$/.exec(value);
	if (match === null) throw new InvalidArgumentError(`expected a size such as 28x28 or 32x32x3, got ${value}`);
	return { height: Number(match[1]), width: Number(match[2]), channels: Number(match[3] ?? 1) };
}
