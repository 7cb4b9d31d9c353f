import { expect, test } from "vitest";
import { matrix } from "../../compute/matrix.ts";
import { refusal } from "../../compute/testing.ts";
import { forward, gradients, initialise, type Network } from "../../compute/training/network.ts";
import { fisherGradients, margins } from "./output.ts";
import { dot, farthest, tinyNetwork, tinyRows, written } from "./testing.ts";

const network = tinyNetwork(7n);
const rows = tinyRows(8, 8n);

test("the loss gradient is -(1 - p) times that of the margin", () => {
	const { gradients: own, doubts } = margins(network, rows);
	const loss = written(gradients(network, rows)).flat();
	const margin = written(own).flatMap((gradient, i) => gradient.map((value) => -(doubts[i] as number) * value));
	expect(farthest(loss, margin)).toBeLessThan(1e-6);
});

test("1 - p equals its definition, and stays accurate where p is almost 1", () => {
	const logits = forward(network, rows.x).values;
	margins(network, rows).doubts.forEach((doubt, i) => {
		const z = logits.subarray(3 * i, 3 * i + 3).map(Math.exp);
		expect(doubt).toBeCloseTo(1 - (z[rows.label[i] as number] as number) / z.reduce((sum, value) => sum + value, 0), 6);
	});
	// One layer, weights 0: the logits are its bias.
	const sure: Network = { layers: [{ weights: matrix(new Float32Array(4), 2, 2), bias: Float32Array.of(60, 0) }] };
	const one = { x: matrix(Float32Array.of(1, 1), 1, 2), label: Uint8Array.of(0) };
	const { gradients: own, doubts } = margins(sure, one);
	expect((doubts[0] as number) / Math.exp(-60)).toBeCloseTo(1, 9);
	expect(written(own)[0]).toEqual([1, -1, 1, -1, 1, -1]);
});

test("Fisher gradients are sqrt(p) times the loss gradients of each label", () => {
	const logits = forward(network, rows.x).values;
	fisherGradients(network, rows).forEach((own, label) => {
		const relabelled = gradients(network, { ...rows, label: rows.label.map(() => label) });
		const expected = written(relabelled).flatMap((gradient, i) => {
			const z = logits.subarray(3 * i, 3 * i + 3).map(Math.exp);
			const p = (z[label] as number) / z.reduce((sum, value) => sum + value, 0);
			return gradient.map((value) => Math.sqrt(p) * value);
		});
		expect(farthest(written(own).flat(), expected)).toBeLessThan(1e-6);
		expect(Math.max(...written(own).map((gradient) => dot(gradient, gradient)))).toBeGreaterThan(0);
	});
});

test("refused: one class", async () => {
	expect(await refusal(() => margins(initialise([6, 1], 1n), { ...rows, label: new Uint8Array(8) }))).toEqual({
		code: "ONE_CLASS",
		message: "margins: expected 2 classes or more, got 1",
	});
});
