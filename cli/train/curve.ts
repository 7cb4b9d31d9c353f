/** The loss of a run by epochs, as SVG. */
import { join } from "node:path";
import { lineChart } from "../../compute/chart.ts";
import { readRecord, storedSteps } from "../../compute/checkpoint/folder.ts";
import { stepsPerEpoch, type TrainingManifest } from "../../compute/training/manifest.ts";
import type { Sums } from "../../compute/training/sums.ts";
import { writeWhole } from "../../compute/whole-file.ts";
import { nameOf } from "./network.ts";

/** Draws the losses of all checkpoints into `loss.svg`. */
export async function drawCurve(folder: string, manifest: TrainingManifest): Promise<void> {
	const steps = await storedSteps(folder);
	const records = (await Promise.all(steps.map((step) => readRecord(folder, step)))).map(({ record }) => record);
	const points = (sums: (record: (typeof records)[0]) => Sums | null) =>
		records.flatMap((record) => {
			const own = sums(record);
			return own && own.rows > 0 ? [{ x: record.step / stepsPerEpoch(manifest), y: own.loss / own.rows }] : [];
		});
	const series = [
		{ name: "training", points: points(({ training }) => training) },
		{ name: "held out", points: points(({ test }) => test) },
	].filter((one) => one.points.length > 0);
	const y = `mean loss${manifest.loss === "cross-entropy" ? ", nats" : ""}`;
	const title = `${nameOf(manifest.architecture)}, mode ${manifest.mode}`;
	await writeWhole(join(folder, "loss.svg"), await lineChart({ title, x: "epochs", y, series }));
}
