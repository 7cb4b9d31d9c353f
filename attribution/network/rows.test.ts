import { describe, expect, test } from "vitest";
import { matrix } from "../../compute/matrix.ts";
import { refusal } from "../../compute/testing.ts";
import type { FloatRows, Network } from "../../compute/training/network.ts";
import type { Method } from "../method.ts";
import { ekfacMethod } from "./ekfac.ts";
import { sourceMethod } from "./source.ts";
import { tangentKernelMethod } from "./tangent-kernel.ts";
import { tinyNetwork, tinyRows } from "./testing.ts";
import { gradDotMethod, tracInMethod } from "./tracin.ts";
import { trakMethod } from "./trak.ts";

const [train, rest] = [tinyRows(20, 1n), tinyRows(4, 2n)];
const pointsOf = (network: Network) => [{ epoch: 1, network, rate: 0.1 }];
const methods: Record<string, (network: Network) => Method<FloatRows, FloatRows>> = {
	"grad-dot": (network) => gradDotMethod({ network }),
	tracin: (network) => tracInMethod({ checkpoints: pointsOf(network) }),
	trak: (network) => trakMethod({ networks: [network], dimension: 8, seed: 1n }),
	"tangent-kernel": (network) => tangentKernelMethod({ trainings: [[network]] }),
	ekfac: (network) => ekfacMethod({ networks: [network] }),
	source: (network) => sourceMethod({ checkpoints: pointsOf(network), stepsPerEpoch: 5 }),
};
const broken = matrix(
	rest.x.values.map((value, at) => (at === 8 ? Number.NaN : value)),
	4,
	6,
);

describe.each(Object.entries(methods))("%s", (name, methodOf) => {
	const method = methodOf(tinyNetwork(3n));

	test("gives a finite score per training row and test example, and says what it means", async () => {
		expect(method.name).toBe(name);
		const cached = await method.cache(train);
		const pairs = await cached.pairs?.(rest);
		expect([pairs?.entries, pairs?.tests, pairs?.scores.length]).toEqual([20, 4, 80]);
		expect(pairs?.scores.every(Number.isFinite)).toBe(true);
		const { scores, unit, positive, total } = await cached.attribute(rest);
		expect([scores.length, total]).toEqual([20, null]);
		expect(unit.length * positive.length).toBeGreaterThan(0);
	});

	test("refuses rows that are not numbers, and no rows", async () => {
		const cached = await method.cache(train);
		expect(await refusal(async () => cached.pairs?.({ ...rest, x: broken }))).toEqual({
			code: "VALUE_NOT_NUMERIC",
			message: `${name}: row 1, feature 2: NaN is not a finite number`,
		});
		expect(await refusal(async () => method.cache({ ...rest, x: broken }))).toMatchObject({ code: "VALUE_NOT_NUMERIC" });
		const none = { x: matrix(new Float32Array(0), 0, 6), label: new Uint8Array(0) };
		expect(await refusal(async () => method.cache(none))).toEqual({
			code: "TOO_FEW_ROWS",
			message: `${name}: no rows, at least 1 is needed`,
		});
		expect(await refusal(async () => cached.attribute(none))).toMatchObject({ code: "TOO_FEW_ROWS" });
	});

	test("refuses a network that has diverged", async () => {
		const network = tinyNetwork(3n);
		network.layers[1]?.weights.values.fill(Infinity, 2, 3);
		expect(await refusal(() => methodOf(network))).toEqual({
			code: "DIVERGED",
			message: `${name}: expected finite weights, got others in network 0`,
		});
	});
});
