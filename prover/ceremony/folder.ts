/**
 * The folder that the people of a ceremony hand on.
 *
 * | file | content |
 * |---|---|
 * | circuit.json | the circuit with its source text, power and hash of the powers of tau |
 * | 0000.zkey | the initial key |
 * | 0000.sigma | the chain of sigma before the first contribution |
 * | NNNN.zkey | the key after a contribution, in snarkjs' format |
 * | NNNN.sigma | the chain of sigma after it; missing when the contribution was made with snarkjs |
 *
 * The files with the highest numbers count; those between them and 0000 are history.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Circuit } from "../../circuits/circuit.ts";
import { CeremonyError } from "../errors.ts";

/** circuit.json. */
export interface CeremonySubject {
	readonly schema: "openledger.ceremony.v1";
	readonly circuit: Circuit;
	readonly powers: { readonly power: number; readonly blake2b: string };
}

/** What lies in a folder. Nothing is checked yet. */
export interface CeremonyFolder extends CeremonySubject {
	readonly folder: string;
	/** absolute paths */
	readonly initial: string;
	readonly key: string;
	readonly sigma: string;
	/** number of the next contribution */
	readonly next: number;
}

export const SUBJECT_FILE = "circuit.json";

/** @param number of the contribution, 0 for the initial files */
export function ceremonyPath(folder: string, number: number, kind: "zkey" | "sigma"): string {
	return join(folder, `${String(number).padStart(4, "0")}.${kind}`);
}

/**
 * Looks at a folder.
 * @throws CeremonyError `ceremony.missing`, `ceremony.format`
 */
export async function openFolder(folder: string): Promise<CeremonyFolder> {
	const missing = (what: string, cause?: unknown): CeremonyError =>
		new CeremonyError("ceremony.missing", `openFolder: expected ${what} in ${folder}, got none`, {
			hint: "name the folder that `setup ceremony init` made, with all its files",
			cause,
		});
	const text = await readFile(join(folder, SUBJECT_FILE), "utf8").catch((cause) => {
		throw missing(SUBJECT_FILE, cause);
	});
	const subject = parseSubject(text, folder);
	const names = await readdir(folder);
	const last = (kind: "zkey" | "sigma"): number => {
		const numbers = names.flatMap((name) => (new RegExp(`^\\d{4}\\.${kind}$`).test(name) ? [Number(name.slice(0, 4))] : []));
		if (!numbers.includes(0)) throw missing(`0000.${kind}`);
		return Math.max(...numbers);
	};
	const [key, sigma] = [last("zkey"), last("sigma")];
	return {
		...subject,
		folder,
		initial: ceremonyPath(folder, 0, "zkey"),
		key: ceremonyPath(folder, key, "zkey"),
		sigma: ceremonyPath(folder, sigma, "sigma"),
		next: Math.max(key, sigma) + 1,
	};
}

function parseSubject(text: string, folder: string): CeremonySubject {
	try {
		const { schema, circuit, powers } = JSON.parse(text) as CeremonySubject;
		const names = [circuit.publics, circuit.links].every((list) => list.every((name) => typeof name === "string"));
		const texts = [circuit.statement, circuit.id, circuit.source, powers.blake2b].every((field) => typeof field === "string");
		// The id becomes the name of a file.
		if (schema !== "openledger.ceremony.v1" || !names || !texts || typeof circuit.hasWords !== "boolean" || !/^[\w.-]+$/.test(circuit.id)) {
			throw new TypeError("another shape");
		}
		return { schema, circuit, powers };
	} catch (cause) {
		throw new CeremonyError(
			"ceremony.format",
			`openFolder: expected a circuit in ${join(folder, SUBJECT_FILE)}, got ${(cause as Error).message}`,
			{
				cause,
			},
		);
	}
}
