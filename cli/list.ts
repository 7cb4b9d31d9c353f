/** Files that list what one command does many times. */
import { LedgerError } from "../ledger/errors.ts";
import { readText } from "./desk.ts";

/**
 * The entries of a JSON list, all checked before anything is done with the first one.
 *
 * @param command its name, for messages
 * @param noun what an entry is, for messages
 * @param fields what an entry may hold
 * @param parse reads one entry; what it throws is reported with the entry's number
 * @throws LedgerError `input.invalid`
 */
export async function readList<Entry>(
	command: string,
	noun: string,
	file: string,
	fields: readonly string[],
	parse: (entry: Record<string, unknown>) => Entry,
): Promise<Entry[]> {
	const refuse = (place: string, why: string): never => {
		throw new LedgerError("input.invalid", `${command}: ${file}${place}: ${why}`, {
			hint: `See \`--help\` of ${command} for the format.`,
		});
	};
	const text = await readText(file);
	let list: unknown;
	try {
		list = JSON.parse(text);
	} catch (cause) {
		return refuse("", `expected JSON, got ${(cause as Error).message}`);
	}
	if (!Array.isArray(list) || list.length === 0) return refuse("", `expected a list with at least one ${noun}`);
	return list.map((entry: unknown, i) => {
		const place = `, ${noun} ${i}`;
		if (typeof entry !== "object" || entry === null) return refuse(place, `expected an object, got ${JSON.stringify(entry)}`);
		const unknown = Object.keys(entry).find((name) => !fields.includes(name));
		if (unknown !== undefined) return refuse(place, `expected ${fields.join(", ")}, got ${unknown}`);
		try {
			return parse(entry as Record<string, unknown>);
		} catch (error) {
			return refuse(place, (error as Error).message);
		}
	});
}
