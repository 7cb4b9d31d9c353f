/** `total`: the words are commitments to statistics, and totalAt is the evaluation of their sum. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { entries, openPage, type PageParameters, pageArguments } from "../page.ts";
import type { Statistics } from "../statistics.ts";

export function totalCircuit(parameters: PageParameters): Circuit {
	const { places, d, k, statBits } = parameters;
	const signals = { publics: ["rows"], links: ["totalAt"], hasWords: true };
	return {
		statement: "total",
		id: `total-c${places}-d${d}-k${k}-s${statBits}`,
		source: mainSource("total", "Total", pageArguments(parameters), signals),
		...signals,
	};
}

/**
 * The statement about one page of statistics.
 * @throws CircuitError when the page does not fit
 */
export function totalInstance(parameters: PageParameters, page: readonly Statistics[]): Instance {
	const { total, words, inputs } = openPage(parameters, page);
	return {
		circuit: totalCircuit(parameters),
		publics: [total.rows],
		links: [entries(total)],
		words,
		inputs: { rows: total.rows, ...inputs },
	};
}
