// Our verifier template: a verification key becomes a Solidity contract that holds the key's constants and nothing else. The check itself
// is `src/CommittedGroth16.sol`, the same code for every circuit.

import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** A point of G1 as decimal strings (x, y). */
export type G1 = readonly [string, string];
/** A point of G2 as decimal strings in snarkjs order: [[x.c0, x.c1], [y.c0, y.c1]]. */
export type G2 = readonly [readonly [string, string], readonly [string, string]];

/** A verification key, the same shape that the prover writes. */
export interface VerificationKey {
	readonly schema: "openledger.vkey.v1";
	readonly statement: string;
	/** statement id, hashed into the circuit id */
	readonly id: string;
	readonly circuitId: `0x${string}`;
	/** whether somebody knows the secret of the setup */
	readonly development: boolean;
	/** keccak256 of the transcript of the ceremony that made the key; absent for a development key */
	readonly transcript?: `0x${string}`;
	/** names of the public signals, without links, evaluation and challenge */
	readonly publics: readonly string[];
	/** names of the links: evaluations of committed lists at the challenge */
	readonly links: readonly string[];
	readonly hasWords: boolean;
	readonly alpha: G1;
	readonly beta: G2;
	readonly gamma: G2;
	readonly delta: G2;
	readonly sigma: G2;
	/** IC_0 and one point per public signal: publics, links, evaluation, challenge */
	readonly ic: readonly G1[];
}

/**
 * The key's points packed as the circuit id hashes them: alpha, beta, gamma, delta, sigma, IC; 32 bytes per coordinate, G2 imaginary part first.
 *
 * @throws RangeError when a coordinate is not an integer in [0, 2^256)
 */
export function packKey(key: VerificationKey): Uint8Array {
	const g2 = ([[x0, x1], [y0, y1]]: G2) => [x1, x0, y1, y0];
	const words = [key.alpha, g2(key.beta), g2(key.gamma), g2(key.delta), g2(key.sigma), ...key.ic].flat();
	return concatBytes(...words.map(word));
}

/**
 * keccak256 of the ASCII statement id and the packed key.
 *
 * @throws RangeError when a coordinate is not an integer in [0, 2^256)
 */
export function circuitIdOf(key: VerificationKey): `0x${string}` {
	return `0x${bytesToHex(keccak_256(concatBytes(utf8ToBytes(key.id), packKey(key))))}`;
}

/**
 * Renders the verifier of one key. The source compiles with the settings of `solc.ts` and imports `../src/CommittedGroth16.sol`.
 *
 * @param key the verification key
 * @param contractName a Solidity identifier
 * @returns Solidity source
 * @throws RangeError when contract name, id, signal names, number of points, circuit id or transcript hash do not fit
 */
export function renderVerifier(key: VerificationKey, contractName: string): string {
	if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(contractName)) {
		throw new RangeError(`renderVerifier: expected a Solidity identifier, got ${JSON.stringify(contractName)}`);
	}
	if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(key.id)) {
		throw new RangeError(`renderVerifier: expected a printable ASCII id without quotes, got ${JSON.stringify(key.id)}`);
	}
	const names = [...key.publics, ...key.links];
	if (!names.every((name) => /^[A-Za-z][A-Za-z0-9]*$/.test(name))) {
		throw new RangeError(`renderVerifier: expected plain signal names, got ${JSON.stringify(names)}`);
	}
	const signals = names.length + (key.hasWords ? 2 : 1);
	if (key.ic.length !== signals + 1) {
		throw new RangeError(`renderVerifier: expected ${signals + 1} IC points for ${key.id}, got ${key.ic.length}`);
	}
	const circuitId = circuitIdOf(key);
	if (circuitId !== key.circuitId.toLowerCase()) {
		throw new RangeError(`renderVerifier: expected circuit id ${circuitId} for ${key.id}, got ${key.circuitId}`);
	}
	if (key.development ? key.transcript !== undefined : !/^0x[0-9a-f]{64}$/.test(key.transcript ?? "")) {
		const expected = key.development ? "no transcript of a development key" : "the transcript hash of a ceremony, 32 bytes in hex,";
		throw new RangeError(`renderVerifier: expected ${expected} for ${key.id}, got ${key.transcript}`);
	}
	const transcript = key.transcript
		? `
    /// @notice keccak256 of the transcript of the ceremony that made this key.
    function transcript() external pure returns (bytes32) {
        return ${key.transcript};
    }
`
		: "";
	const hex = bytesToHex(packKey(key));
	const links = key.links.length === 0 ? "" : `; links: ${key.links.join(", ")}`;
	const lines = hex.match(/.{64}/g)?.map((line) => `            hex"${line}"`) ?? [];
	return `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../src/CommittedGroth16.sol";

/// @title Verifier of ${key.id}
/// @notice Publics: ${key.publics.join(", ")}${links}${key.hasWords ? "; with words" : ""}.${key.development ? " DEVELOPMENT KEY: anybody may forge proofs." : ""}
contract ${contractName} is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return ${circuitId};
    }

    function statement() external pure returns (string memory) {
        return "${key.id}";
    }

    function development() external pure returns (bool) {
        return ${key.development};
    }
${transcript}
    function publicCount() public pure override returns (uint256) {
        return ${key.publics.length};
    }

    function linkCount() public pure override returns (uint256) {
        return ${key.links.length};
    }

    function hasWords() public pure override returns (bool) {
        return ${key.hasWords};
    }

    /// @dev alpha, beta, gamma, delta, sigma, IC; one coordinate per line.
    function keyPoints() public pure override returns (bytes memory) {
        return
${lines.join("\n")};
    }
}
`;
}

/** A decimal coordinate as 32 bytes, big endian. */
function word(decimal: string): Uint8Array {
	const value = /^[0-9]+$/.test(decimal) ? BigInt(decimal) : -1n;
	if (value < 0n || value >> 256n !== 0n) throw new RangeError(`packKey: expected an integer in [0, 2^256), got ${decimal}`);
	return hexToBytes(value.toString(16).padStart(64, "0"));
}
