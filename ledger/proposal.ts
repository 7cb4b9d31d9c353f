/** Proposals: what their calls say to people, and the ids that the contracts give them. */
import {
	AbiCoder,
	concat,
	dataSlice,
	type FunctionFragment,
	getAddress,
	id as hash,
	isAddress,
	isHexString,
	keccak256,
	ZeroHash,
} from "ethers";
import { type Addresses, type ContractName, contractNames, interfaces } from "./contracts.ts";
import { LedgerError } from "./errors.ts";

/** One call of a proposal. */
export interface Call {
	readonly target: string;
	/** wei of the chain's own coin */
	readonly value: bigint;
	/** 0x-prefixed */
	readonly data: string;
}

/** A call in words. */
export interface DescribedCall extends Call {
	/** undefined when the target is none of ours, or the data is of no function of it */
	readonly contract: ContractName | undefined;
	/** such as "VerifierRouter.register(0x...)"; target and data where it is not known */
	readonly text: string;
}

/** What a proposal is: its id follows from it. */
export interface Proposed {
	readonly calls: readonly Call[];
	readonly description: string;
}

/** The id of a proposal at the governor. */
export function proposalId({ calls, description }: Proposed): bigint {
	return BigInt(keccak256(AbiCoder.defaultAbiCoder().encode([...COLUMNS, "bytes32"], [...columns(calls), hash(description)])));
}

/** The id of a proposal's operation at the timelock. @param governor its address */
export function operationId(governor: string, { calls, description }: Proposed): string {
	const salt = BigInt(hash(description)) ^ (BigInt(governor) << 96n);
	const salted = `0x${salt.toString(16).padStart(64, "0")}`;
	return keccak256(AbiCoder.defaultAbiCoder().encode([...COLUMNS, "bytes32", "bytes32"], [...columns(calls), ZeroHash, salted]));
}

const COLUMNS = ["address[]", "uint256[]", "bytes[]"];

function columns(calls: readonly Call[]): [string[], bigint[], string[]] {
	return [calls.map(({ target }) => target), calls.map(({ value }) => value), calls.map(({ data }) => data)];
}

/**
 * Reads a call such as `VerifierRouter.register(0x...)`.
 *
 * Arguments stand as they are (numbers, true, 0x...); texts in double quotes; lists and structs in brackets. The name of a contract stands
 * for its address. `0xTARGET:0xDATA` is a call of any other contract.
 *
 * @throws LedgerError `input.invalid` when contract, function or arguments do not fit
 */
export function parseCall(at: Addresses, text: string): Call {
	const raw = /^(0x[0-9a-fA-F]{40}):(0x[0-9a-fA-F]*)$/.exec(text);
	if (raw !== null && isHexString(raw[2], true))
		return { target: getAddress((raw[1] as string).toLowerCase()), value: 0n, data: raw[2] as string };
	const [, contract, name, list] = /^(\w+)\.(\w+)\((.*)\)$/s.exec(text) ?? [];
	if (contract === undefined || name === undefined || list === undefined) {
		throw invalid(text, "expected Contract.function(arguments)", "Such as VerifierRouter.register(0x...), or 0xTARGET:0xDATA.");
	}
	const known = contractNames.find((one) => one === contract);
	if (known === undefined)
		throw invalid(text, `expected a contract of the deployment, got ${contract}`, `Contracts: ${contractNames.join(", ")}.`);
	const args = parseArguments(at, text, list);
	const fragments = interfaces[known].fragments.filter(
		(fragment): fragment is FunctionFragment => fragment.type === "function" && (fragment as FunctionFragment).name === name,
	);
	const fragment = fragments.find(({ inputs }) => inputs.length === args.length);
	if (fragment === undefined) {
		const shapes = fragments.map((one) => one.format("full")).join("; ") || `no function ${name}`;
		throw invalid(text, `expected a function of ${known} with ${args.length} arguments, got ${shapes}`, "See the contract's source.");
	}
	if (fragment.constant)
		throw invalid(text, `expected a function that changes something, got ${fragment.format("full")}`, "Propose what acts.");
	try {
		return { target: at[known], value: 0n, data: interfaces[known].encodeFunctionData(fragment, args) };
	} catch (cause) {
		throw invalid(text, `expected arguments of ${fragment.format("full")}`, "Check the arguments.", cause);
	}
}

/** Says what a call does. */
export function describeCall(at: Addresses, call: Call): DescribedCall {
	const contract = contractNames.find((name) => at[name].toLowerCase() === call.target.toLowerCase());
	const value = call.value === 0n ? "" : ` with ${call.value} wei`;
	const parsed = contract === undefined || call.data.length < 10 ? null : interfaces[contract].parseTransaction({ data: call.data });
	if (contract === undefined || parsed === null) return { ...call, contract: undefined, text: `${call.target}:${call.data}${value}` };
	// What the data holds beyond its arguments would be hidden from the reader.
	const exact = interfaces[contract].encodeFunctionData(parsed.fragment, parsed.args) === call.data.toLowerCase();
	const args = parsed.args.map((value_) => written(at, value_)).join(", ");
	return { ...call, contract, text: `${contract}.${parsed.name}(${args})${exact ? "" : " and more data"}${value}` };
}

/** A decoded value, as {@link parseCall} reads it. */
function written(at: Addresses, value: unknown): string {
	if (Array.isArray(value)) return `[${value.map((item) => written(at, item)).join(", ")}]`;
	if (typeof value !== "string") return String(value);
	if (isAddress(value)) return contractNames.find((name) => at[name] === getAddress(value)) ?? value;
	return isHexString(value) ? value : JSON.stringify(value);
}

/** The list between the brackets: bare words become texts, then it is JSON. */
function parseArguments(at: Addresses, text: string, list: string): unknown[] {
	const quoted = list.replace(/"(?:[^"\\]|\\.)*"|[\w.+-]+/g, (word) => {
		if (word.startsWith('"') || word === "true" || word === "false") return word;
		return JSON.stringify(contractNames.find((name) => name === word) === undefined ? word : at[word as ContractName]);
	});
	try {
		return JSON.parse(`[${quoted}]`) as unknown[];
	} catch (cause) {
		throw invalid(
			text,
			"expected arguments with commas between them",
			"Put texts into double quotes, lists and structs into brackets.",
			cause,
		);
	}
}

function invalid(text: string, what: string, hint: string, cause?: unknown): LedgerError {
	return new LedgerError("input.invalid", `parseCall: ${what} in ${text}`, { hint, cause });
}

/** The first four bytes of a call's data; zeros where there are fewer, as the timelock sees it. */
export function selectorOf(data: string): string {
	return dataSlice(concat([data, "0x00000000"]), 0, 4);
}
