/**
 * Provenance records by signature: the author signs, anybody sends and pays the gas.
 *
 * What is signed is an EIP-712 struct in the domain ("OpenLedger Provenance", "1", chain id, ProvenanceRegistry), with the author's next number
 * (`nonces(author)`), so a signature is good once. Times are Unix seconds, digests and ids 32 bytes 0x-prefixed.
 */
import { isAddress, isHexString, type Signer } from "ethers";
import { Actions, type Outcome, rethrow } from "./actions.ts";
import type { Place } from "./context.ts";
import { type RecordKind, recordKinds } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import { recordId } from "./record.ts";

/** What an author may ask for. */
export type RecordRequest =
	| { readonly action: "register"; readonly kind: RecordKind; readonly digest: string; readonly parent: string }
	| { readonly action: "appendLog"; readonly model: string; readonly sequence: bigint; readonly previous: string; readonly root: string }
	| { readonly action: "revoke"; readonly id: string };

/** A request that its author signed. */
export interface SignedRequest {
	readonly author: string;
	readonly request: RecordRequest;
	/** last second of validity */
	readonly deadline: bigint;
	readonly signature: string;
}

const SCHEMA = "openledger.record-request.v1";

const field = (name: string, type: string) => ({ name, type });
const tail = [field("nonce", "uint256"), field("deadline", "uint256")];
const types = {
	register: {
		Register: [field("author", "address"), field("kind", "uint8"), field("digest", "bytes32"), field("parent", "bytes32"), ...tail],
	},
	appendLog: {
		AppendLog: [
			...[field("author", "address"), field("model", "bytes32"), field("sequence", "uint64")],
			...[field("previous", "bytes32"), field("root", "bytes32"), ...tail],
		],
	},
	revoke: { Revoke: [field("author", "address"), field("id", "bytes32"), ...tail] },
};

/**
 * Signs a request as its author.
 *
 * @param terms.nonce `nonces(author)` of the ProvenanceRegistry, see {@link ProvenanceClient.nonce}
 * @param terms.deadline last second of validity
 * @throws LedgerError when the signer refuses
 */
export async function signRequest(
	signer: Signer,
	place: Place,
	request: RecordRequest,
	terms: { nonce: bigint; deadline: bigint },
): Promise<SignedRequest> {
	const author = await signer.getAddress();
	const { action, ...fields } = request;
	const message = { author, ...fields, ...("kind" in fields ? { kind: recordKinds.indexOf(fields.kind) } : {}), ...terms };
	const domain = {
		...{ name: "OpenLedger Provenance", version: "1" },
		...{ chainId: place.chainId, verifyingContract: place.contracts.ProvenanceRegistry },
	};
	const signature = await signer.signTypedData(domain, types[action], message).catch(rethrow);
	return { author, request, deadline: terms.deadline, signature };
}

/** The file that an author hands to a relayer. */
export function formatRequest(place: Place, { author, request, deadline, signature }: SignedRequest): string {
	const body = {
		schema: SCHEMA,
		chainId: place.chainId,
		contract: place.contracts.ProvenanceRegistry,
		author,
		request,
		deadline,
		signature,
	};
	return JSON.stringify(body, (_key, value) => (typeof value === "bigint" ? value.toString() : value), 2);
}

/**
 * Reads such a file.
 *
 * @throws LedgerError `input.invalid` when it is no request, or one for another chain or contract
 */
export function parseRequest(place: Place, text: string): SignedRequest {
	const must = (condition: boolean, expected: string, got: unknown) => {
		if (condition) return;
		throw new LedgerError("input.invalid", `parseRequest: expected ${expected}, got ${String(got)}`, {
			hint: "Have the author sign again, for this deployment.",
		});
	};
	let file: Record<string, unknown> = {};
	try {
		file = JSON.parse(text) as Record<string, unknown>;
	} catch (cause) {
		must(false, "JSON", (cause as Error).message);
	}
	must(file.schema === SCHEMA, `the schema ${SCHEMA}`, file.schema);
	must(file.chainId === place.chainId, `chain ${place.chainId}`, file.chainId);
	must(file.contract === place.contracts.ProvenanceRegistry, `the contract ${place.contracts.ProvenanceRegistry}`, file.contract);
	must(isAddress(file.author), "an author's address", file.author);
	must(isHexString(file.signature), "a signature in hex", file.signature);
	must(/^\d+$/.test(String(file.deadline)), "a deadline in seconds", file.deadline);
	const request = (file.request ?? {}) as Record<string, unknown>;
	const words = (...names: string[]) => {
		for (const name of names) must(isHexString(request[name], 32), `32 bytes as ${name}`, request[name]);
	};
	const signed = { author: file.author as string, deadline: BigInt(file.deadline as string), signature: file.signature as string };
	switch (request.action) {
		case "register":
			words("digest", "parent");
			must(recordKinds.includes(request.kind as RecordKind), `a kind of ${recordKinds.slice(1).join(", ")}`, request.kind);
			return { ...signed, request: request as unknown as RecordRequest };
		case "appendLog":
			words("model", "previous", "root");
			must(/^\d+$/.test(String(request.sequence)), "a sequence number", request.sequence);
			return { ...signed, request: { ...request, sequence: BigInt(request.sequence as string) } as RecordRequest };
		case "revoke":
			words("id");
			return { ...signed, request: request as unknown as RecordRequest };
		default:
			must(false, "the action register, appendLog or revoke", request.action);
			throw new Error("unreachable");
	}
}

/** Sends what authors signed. */
export class ProvenanceClient extends Actions {
	/** The number that an author's next request must name. */
	async nonce(author: string): Promise<bigint> {
		return this.contracts.provenance.nonces(author).catch(rethrow);
	}

	/**
	 * Sends a signed request; the record belongs to its author.
	 *
	 * @returns id of the record that was made or revoked
	 * @throws LedgerError `transaction.reverted` with SignatureInvalid, SignatureExpired or the contract's other reasons
	 */
	async relay({ author, request, deadline, signature }: SignedRequest): Promise<Outcome & { id: string }> {
		const { provenance } = this.contracts;
		switch (request.action) {
			case "register": {
				const { kind, digest, parent } = request;
				const call = provenance.registerFor.populateTransaction(author, recordKinds.indexOf(kind), digest, parent, deadline, signature);
				return { ...(await this.send(call)), id: recordId(author, kind, digest) };
			}
			case "appendLog": {
				const { model, sequence, previous, root } = request;
				const call = provenance.appendLogFor.populateTransaction(author, model, sequence, previous, root, deadline, signature);
				return { ...(await this.send(call)), id: recordId(author, "InferenceLog", root) };
			}
			case "revoke":
				return {
					...(await this.send(provenance.revokeFor.populateTransaction(author, request.id, deadline, signature))),
					id: request.id,
				};
		}
	}
}
