/** Powers of tau for the tests of ceremonies, made by snarkjs: one contribution and a beacon. */
import { rm } from "node:fs/promises";
import { loadFfjavascript } from "../engine.ts";

const BEACON = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/**
 * @param path the .ptau that is written
 * @param power small: the time doubles with each
 * @param options.prepare whether phase 2 can start from it; default: true
 */
export async function makePowers(path: string, power: number, options: { prepare?: boolean } = {}): Promise<void> {
	await loadFfjavascript();
	const { powersOfTau, curves } = await import("snarkjs");
	const curve = await curves.getCurveFromName("bn128");
	const steps = [0, 1, 2].map((step) => `${path}.${step}`) as [string, string, string];
	try {
		await powersOfTau.newAccumulator(curve, power, steps[0]);
		await powersOfTau.contribute(steps[0], steps[1], "somebody", "test");
		await powersOfTau.beacon(steps[1], options.prepare === false ? path : steps[2], "beacon", BEACON, 10);
		if (options.prepare !== false) await powersOfTau.preparePhase2(steps[2], path);
	} finally {
		await Promise.all(steps.map((step) => rm(step, { force: true })));
		await curve.terminate();
	}
}
