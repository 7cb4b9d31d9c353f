/** What this room's tests share: files of real data, and errors as values. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Backend, Limits } from "./backend.ts";
import type { Tensor } from "./tensor.ts";

const FOLDER = process.env.OPENLEDGER_DATA ?? resolve(import.meta.dirname, "../../shared/data");

/**
 * A file of real data. Where it is absent its tests are skipped with a message; in CI they run and fail.
 * @returns its path and whether to skip
 */
export function sample(name: string): { path: string; absent: boolean } {
	const path = join(FOLDER, name);
	const absent = !existsSync(path) && process.env.CI !== "true";
	if (absent) console.warn(`skipped: ${path} is absent (set OPENLEDGER_DATA to the folder of real data)`);
	return { path, absent };
}

/** The code and message of the error that an action must end in. */
export async function refusal(action: () => unknown): Promise<{ code: unknown; message: string }> {
	try {
		await action();
	} catch (error) {
		const { code, message, hint } = error as { code?: unknown; message: string; hint?: unknown };
		if (!hint) throw error;
		return { code, message };
	}
	throw new Error("expected an error, got none");
}

/** A backend that knows which tensors are not released, and refuses those that are. */
export interface Tracked {
	readonly backend: Backend;
	/** Shapes of what was not released. */
	live(): string[];
}

/**
 * Tracks the tensors of a backend.
 * @param limits - other than its own, to make jobs come in parts
 */
export function tracked(backend: Backend, limits: Partial<Limits> = {}): Tracked {
	/** Handles of one memory: the first one. */
	const roots = new WeakMap<object, object>();
	const live = new Map<object, string>();
	const rootOf = (tensor: object) => roots.get(tensor) ?? tensor;
	const isTensor = (value: unknown): value is Tensor =>
		typeof value === "object" && value !== null && "element" in value && "rows" in value;
	const visit = (value: unknown, action: (tensor: Tensor) => void): void => {
		if (isTensor(value)) action(value);
		else if (Array.isArray(value)) for (const one of value) visit(one, action);
		else if (value?.constructor === Object) for (const one of Object.values(value)) visit(one, action);
	};
	const check = (tensor: Tensor) => {
		if (!live.has(rootOf(tensor))) throw new Error(`expected a tensor that is not released, got ${JSON.stringify(tensor)}`);
	};
	const wrap =
		(call: (...given: never[]) => unknown) =>
		(...given: never[]): unknown => {
			visit(given, check);
			const made = call(...given);
			visit(made, (tensor) => live.set(tensor, `${tensor.rows} x ${tensor.columns} of ${tensor.element}`));
			return made;
		};
	const wrapAll = <K extends object>(kernels: K): K =>
		Object.fromEntries(Object.entries(kernels).map(([name, kernel]) => [name, wrap(kernel as (...given: never[]) => unknown)])) as K;
	return {
		backend: {
			...backend,
			limits: { ...backend.limits, ...limits },
			integers: wrapAll(backend.integers),
			floats: wrapAll(backend.floats),
			upload: wrap(backend.upload as never) as Backend["upload"],
			gather: wrap(backend.gather as never) as Backend["gather"],
			download: wrap(backend.download as never) as Backend["download"],
			reshape(tensor, rows, columns) {
				check(tensor);
				const other = backend.reshape(tensor, rows, columns);
				roots.set(other, rootOf(tensor));
				return other;
			},
			release(...tensors) {
				for (const tensor of tensors) {
					check(tensor);
					live.delete(rootOf(tensor));
				}
				backend.release(...tensors);
			},
		},
		live: () => [...live.values()],
	};
}
