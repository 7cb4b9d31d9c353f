/** Multiples of generators, as tasks of a setup's threads. */
import { Piscina } from "piscina";
import { Curve, G1, G2 } from "./curve.ts";
import { packError } from "./errors.ts";
import { FixedBase } from "./fixed-base.ts";
import type { Outcome } from "./pool/worker.ts";

/** Multiples of a generator. */
export interface MultiplyTask {
	readonly group: "g1m" | "g2m";
	/** window width of the table, see fixed-base.ts */
	readonly bits: number;
	/** 32 bytes each, little endian, in `[0, r)` */
	readonly scalars: Uint8Array;
}

const tables = new Map<string, Promise<FixedBase>>();

/** Multiplies one chunk. Task of the setup's pool. */
export async function multiply(task: MultiplyTask): Promise<Outcome<Uint8Array>> {
	try {
		const value = await multiplyChunk(task);
		const outcome: Outcome<Uint8Array> = { ok: true, value };
		// Piscina's protocol for handing the points over without a copy.
		return { ...outcome, [Piscina.transferableSymbol]: [value.buffer], [Piscina.valueSymbol]: outcome };
	} catch (error) {
		return { ok: false, error: packError(error, "setup.failed") };
	}
}

/**
 * Multiplies the generator of a group by each scalar.
 * @returns affine points in the layout of keys
 */
export async function multiplyChunk({ group, bits, scalars }: MultiplyTask): Promise<Uint8Array<ArrayBuffer>> {
	const name = `${group}/${bits}`;
	let table = tables.get(name);
	if (!table) {
		table = Curve.open().then((curve) => new FixedBase(curve, group === "g1m" ? G1 : G2, bits));
		tables.set(name, table);
	}
	return (await table).multiply(scalars);
}
