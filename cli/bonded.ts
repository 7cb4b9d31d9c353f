/** How transactions that lock a bond are printed. */
import type { Bonded } from "../ledger/actions.ts";
import type { Step } from "./desk.ts";

/** The deposit, and the call: in a trial run the call is left out when the deposit must come first. */
export function bonded(action: string, outcome: Bonded): Step[] {
	const { deposit } = outcome;
	const steps = deposit === undefined ? [] : [{ action: "depositWithPermit", outcome: deposit }];
	return isRefusedYet(outcome) ? steps : [...steps, { action, outcome }];
}

/** The text, or why there is none yet. */
export function notYet(outcome: Bonded, text: string): string {
	return isRefusedYet(outcome) ? "the deposit comes first; what follows cannot be estimated before it" : text;
}

function isRefusedYet({ deposit, hash, gasUsed }: Bonded): boolean {
	return deposit !== undefined && hash === "" && gasUsed === 0n;
}
