/** What runs in the threads of a setup: multiples of the generators. */
import { Piscina } from "piscina";
import { FixedBase, fixedDigits } from "../engine/fixed-base.ts";
import type { GroupName } from "../engine/kernels.ts";
import { Machine } from "../engine/machine.ts";
import { buildSetupKernels } from "../engine/setup-kernels.ts";
import { type PackedError, packError } from "../errors.ts";

/** Multiples of generators by the same scalars. */
export interface MultiplyTask {
	readonly groups: readonly GroupName[];
	/** width of a window of the tables, see fixed-base.ts */
	readonly bits: number;
	/** 32 bytes each, little endian, in `[0, r)` */
	readonly scalars: Uint8Array;
}

/** Errors come back as plain data: one that is thrown across threads would lose its class and code. */
export type MultiplyOutcome =
	| { readonly ok: true; readonly value: Uint8Array<ArrayBuffer>[] }
	| { readonly ok: false; readonly error: PackedError };

/** Tables by group and width. */
export type Tables = Map<string, Promise<FixedBase>>;

/** They stay as long as the thread. */
const tables: Tables = new Map();

/** Task of the setup's threads. */
export async function multiply(task: MultiplyTask): Promise<MultiplyOutcome> {
	try {
		const value = await multiplyGenerators(task, tables);
		const outcome: MultiplyOutcome = { ok: true, value };
		// Piscina's protocol for handing the points over without a copy.
		return { ...outcome, [Piscina.transferableSymbol]: value.map(({ buffer }) => buffer), [Piscina.valueSymbol]: outcome };
	} catch (error) {
		return { ok: false, error: packError(error, "setup.failed") };
	}
}

/**
 * Multiplies the generators by each scalar.
 * @param known tables that were made before, and gets those that are made now
 * @returns affine points in the layout of keys, for each group
 */
export async function multiplyGenerators(
	{ groups, bits, scalars }: MultiplyTask,
	known: Tables = new Map(),
): Promise<Uint8Array<ArrayBuffer>[]> {
	const digits = fixedDigits(scalars, bits);
	const points: Uint8Array<ArrayBuffer>[] = [];
	for (const group of groups) points.push((await tableOf(group, bits, known)).multiply(digits));
	return points;
}

function tableOf(group: GroupName, bits: number, known: Tables): Promise<FixedBase> {
	const name = `${group}/${bits}`;
	let table = known.get(name);
	if (!table) {
		table = Machine.open(undefined, buildSetupKernels).then((machine) => new FixedBase(machine, group, bits));
		known.set(name, table);
	}
	return table;
}
