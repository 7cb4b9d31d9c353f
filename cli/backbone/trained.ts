/** `openledger backbone make int8-network`: the hidden layers of a network that was trained here. */
import { type Backbone, networkBackbone } from "../../compute/backbone/backbone.ts";
import { exportNetwork } from "../../compute/checkpoint/export.ts";
import { readCheckpoint, readRun, storedSteps } from "../../compute/checkpoint/folder.ts";
import { DataError } from "../../compute/errors.ts";

export interface TrainedFlags {
	readonly run: string;
	readonly step?: number;
	readonly out: string;
}

/** @throws {DataError} those of reading a run; FILE_MISSING without a checkpoint; CHECKPOINT_MISMATCH for a run of another mode; BACKBONE_INVALID */
export async function trainedBackbone({ run, step }: TrainedFlags): Promise<Backbone> {
	const manifest = await readRun(run);
	const last = step ?? (await storedSteps(run)).at(-1);
	if (last === undefined) throw new DataError("FILE_MISSING", `${run}: expected a checkpoint, got none`, "Train the network first.");
	return networkBackbone(exportNetwork(await readCheckpoint(run, manifest, last)));
}
