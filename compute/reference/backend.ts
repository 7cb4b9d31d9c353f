/** The backend in plain TypeScript: no device, and the meaning that the others are held against. */
import type { Backend } from "../backend.ts";
import { openHost, plainFloatProduct } from "./host.ts";
import { product } from "./integers.ts";
import { nearest } from "./neighbours.ts";
import { gram } from "./statistics.ts";

/** Open the reference backend. */
export function openReference(): Backend {
	const adapter = { device: "one thread of this process", driver: `Node.js ${process.version}`, software: true };
	return openHost("reference", adapter, {
		integerProduct: product,
		floatProduct: plainFloatProduct,
		statistics: async (rows, d, k) => gram(rows, d, k),
		nearest: async (train, test, count) => nearest(train, test, count),
		close: async () => {},
	});
}
