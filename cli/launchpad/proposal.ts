/** A proposal as its JSON file says it. The digest is keccak256 of the canonical JSON (RFC 8785) of the whole file. */
import { getAddress, isAddress, isHexString } from "ethers";
import { LedgerError } from "../../ledger/errors.ts";
import { fixPublics, type GrantProposal, type MilestoneTerms } from "../../ledger/milestone.ts";
import { jsonDigest } from "../../network/epoch/json.ts";
import { amount } from "../arguments.ts";
import { moment } from "./flags.ts";

/**
 * Reads a proposal: `recipient`, `milestones` of `amount` (OPEN, as text), `deadline` (a moment) and maybe `proof` with `circuit`, `place` and
 * `fixed` (place -> value). Whatever else stands in it, such as title and text, is part of the digest.
 *
 * @throws LedgerError `input.invalid` that names the field
 */
export function parseProposal(text: string): GrantProposal {
	const document = parse(text) as Record<string, unknown>;
	const { recipient, milestones } = document;
	if (typeof recipient !== "string" || !isAddress(recipient)) throw wrong("an address as recipient", recipient);
	if (!Array.isArray(milestones) || milestones.length < 1 || milestones.length > 16) throw wrong("1 to 16 milestones", milestones);
	return { recipient: getAddress(recipient), digest: jsonDigest(document), milestones: milestones.map(milestone) };
}

function milestone(value: unknown, place: number): MilestoneTerms {
	const at = `milestones[${place}]`;
	const { amount: wei, deadline, proof } = (value ?? {}) as Record<string, unknown>;
	return {
		amount: field(`${at}.amount`, "OPEN as text", wei, amount),
		deadline: field(`${at}.deadline`, "a moment as text", deadline, moment),
		proof: proof === undefined ? undefined : proofTerms(`${at}.proof`, proof),
	};
}

function proofTerms(at: string, value: unknown): MilestoneTerms["proof"] {
	const { circuit, place, fixed = {} } = (value ?? {}) as Record<string, unknown>;
	if (!isHexString(circuit, 32)) throw wrong(`a circuit id as ${at}.circuit`, circuit);
	if (!Number.isInteger(place) || (place as number) < 0 || (place as number) > 15)
		throw wrong(`a place from 0 to 15 as ${at}.place`, place);
	const values = Object.entries(fixed as Record<string, string>).map(([key, number]) => {
		if (!/^\d+$/.test(key) || !/^\d+$/.test(number)) throw wrong(`decimal numbers in ${at}.fixed`, { [key]: number });
		return [Number(key), BigInt(number)] as const;
	});
	return { circuit: circuit.toLowerCase(), place: place as number, ...fixPublics(new Map(values)) };
}

function field<Value>(name: string, what: string, value: unknown, read: (text: string) => Value): Value {
	try {
		if (typeof value === "string") return read(value);
	} catch {
		// Named below.
	}
	throw wrong(`${what} as ${name}`, value);
}

function parse(text: string): unknown {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === "object" && value !== null) return value;
	} catch {
		// Named below.
	}
	throw wrong("a JSON object", text.slice(0, 40));
}

function wrong(expected: string, actual: unknown): LedgerError {
	return new LedgerError("input.invalid", `proposal: expected ${expected}, got ${JSON.stringify(actual)}`, {
		hint: "See docs/launchpad.md for the form of a proposal.",
	});
}
