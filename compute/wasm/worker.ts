/** A thread of the pool. Its tasks give errors as values: one that crosses threads loses its class and code. */
import { DataError, type DataErrorCode } from "../errors.ts";
import { type Part, TASKS, type Task } from "./tasks.ts";
import { makeTiles, type SharedProduct } from "./tiles.ts";

/** What a task gives. */
export type Reply<Value> =
	| { readonly ok: true; readonly part: Value }
	| { readonly ok: false; readonly error: { readonly code: DataErrorCode; readonly message: string; readonly hint: string } };

export const statistics = (task: Task<"statistics">): Reply<Part<"statistics">> => reply(() => TASKS.statistics(task));
export const nearest = (task: Task<"nearest">): Reply<Part<"nearest">> => reply(() => TASKS.nearest(task));
/** Takes part in a product; nobody waits for the answer. */
export const product = (shared: SharedProduct): Reply<void> => reply(() => makeTiles(shared));

function reply<Value>(perform: () => Value): Reply<Value> {
	try {
		return { ok: true, part: perform() };
	} catch (error) {
		if (!(error instanceof DataError)) throw error;
		const { code, message, hint } = error;
		return { ok: false, error: { code, message, hint } };
	}
}
