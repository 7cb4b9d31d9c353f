// Our template for plain Groth16: a verification key as snarkjs writes it becomes a Solidity contract that holds the key's constants and nothing
// else. The check itself is `src/PlainGroth16.sol`, the same code for every circuit.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { root } from "../solc.ts";

/** The fields of snarkjs' verification_key.json that a verifier needs. Numbers are decimal; the last one of a point is 1. */
export interface PlainVerificationKey {
	readonly vk_alpha_1: readonly string[];
	readonly vk_beta_2: readonly (readonly string[])[];
	readonly vk_gamma_2: readonly (readonly string[])[];
	readonly vk_delta_2: readonly (readonly string[])[];
	/** one point for the constant, then one for each public signal */
	readonly IC: readonly (readonly string[])[];
}

/** What a verifier may be called: not as the template's own contracts. */
export const CONTRACT_NAME = /^(?!(BN254|PlainGroth16|PlainProof)$)[A-Za-z_][A-Za-z0-9_]*$/;

/** Why a key does not become a verifier, and what helps. */
const REMEDIES = {
	shape: "Give a key as snarkjs writes it.",
	point: "The key is damaged: make or fetch it again.",
	infinity: "The key is damaged: make or fetch it again.",
	"no public signal": "Make what the proof is about public: component main {public [...]}.",
	"too many public signals": "Hash them into one public signal.",
	"delta is gamma": "Contribute to the key first: snarkjs zkey contribute.",
	"delta is the generator": "Contribute to the key first: snarkjs zkey contribute.",
} as const;

/** The key must not become a verifier. */
export class PlainKeyRefused extends Error {
	override name = "PlainKeyRefused";
	readonly fault: keyof typeof REMEDIES;
	readonly hint: string;
	constructor(fault: keyof typeof REMEDIES, message: string) {
		super(`renderPlainVerifier: ${message}`);
		this.fault = fault;
		this.hint = REMEDIES[fault];
	}
}

/** Bytes of code are 24,576 at most (EIP-170), of which a public signal that is written out takes 265, and 132 otherwise. */
const MAX_PUBLICS = 156;
const MAX_WRITTEN_OUT = 24;

const G1 = bn254.G1.Point;
const G2 = bn254.G2.Point;
type G1 = InstanceType<typeof G1>;
type G2 = InstanceType<typeof G2>;

/**
 * Renders the verifier of a plain key.
 *
 * @param key as `snarkjs zkey export verificationkey` and `openledger key export` write it
 * @param contractName a Solidity identifier
 * @param path how the source imports `src/PlainGroth16.sol`; null puts its text into the source, which then imports nothing
 * @returns Solidity source
 * @throws RangeError for a contract name that is none, or one that the source needs itself
 * @throws PlainKeyRefused for a key with too many signals for a contract, points off their curve or outside their group, and for keys under which anybody can
 *   prove anything: delta = gamma (nobody contributed to the key), delta = the generator, a point at infinity
 */
export function renderPlainVerifier(
	key: PlainVerificationKey,
	contractName: string,
	path: string | null = "../src/PlainGroth16.sol",
): string {
	if (!CONTRACT_NAME.test(contractName)) {
		throw new RangeError(
			`renderPlainVerifier: expected a Solidity identifier, none of the template's own, got ${JSON.stringify(contractName)}`,
		);
	}
	const words = packPlainKey(key);
	const publics = key.IC.length - 1;
	const store = (at: number, from: number, count: number): string =>
		words
			.slice(from, from + count)
			.map((word, i) => `            mstore(${hex(at + 32 * i)}, ${word})`)
			.join("\n");
	const terms = Array.from({ length: publics }, (_, j) => {
		const [x, y] = words.slice(IC + 2 * (j + 1)) as [string, string];
		const weight = j === 0 ? "weights" : `weights + ${32 * j}`;
		const one = `            value := calldataload(add(publics, ${32 * j}))
            ok := and(ok, lt(value, order))
            if value {
                mstore(${hex(X + 64)}, ${x})
                mstore(${hex(X + 96)}, ${y})
                mstore(${hex(X + 128)}, value)
                ok := and(ok, staticcall(12000, 0x07, ${hex(X + 64)}, 0x60, ${hex(X + 64)}, 0x40))
                ok := and(ok, staticcall(1000, 0x06, ${hex(X)}, 0x80, ${hex(X)}, 0x40))
            }`;
		return { one, batch: `        _addTerm(\n            ${x},\n            ${y},\n            ${weight}\n        );` };
	});
	const listed = `            for { let at := 0 } lt(at, ${32 * publics}) { at := add(at, 0x20) } {
                value := calldataload(add(publics, at))
                ok := and(ok, lt(value, order))
                mstore(add(${hex(WEIGHTS)}, at), value)
            }
        }
        _addTerms(${hex(WEIGHTS)});
        assembly {`;
	return `${path === null ? inlined() : `${HEAD}\nimport {BN254, PlainGroth16} from ${JSON.stringify(path)};\n`}
/// @title Verifier of a plain Groth16 key with ${publics} public signal${publics === 1 ? "" : "s"}
/// @notice Says nothing if somebody knows the secrets of the key's setup.
contract ${contractName} is PlainGroth16 {
    /// @inheritdoc PlainGroth16
    function publicCount() public pure override returns (uint256) {
        return ${publics};
    }

    /// @inheritdoc PlainGroth16
    function keyDigest() public pure override returns (bytes32) {
        return 0x${bytesToHex(keccak_256(concatBytes(...words.map((word) => hexToBytes(word.slice(2))))))};
    }

    /// @notice Reverts unless the proof shows the circuit's statement for these public signals.
    /// @param publics in the circuit's order, outputs first, as snarkjs writes them to public.json
    /// @param a pi_a without its last number
    /// @param b pi_b without its last pair, each pair the other way round
    /// @param c pi_c without its last number
    function verify(
        uint256[${publics}] calldata publics,
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c
    ) external view {
        uint256 order = BN254.R;
        uint256 modulus = BN254.Q;
        // whether all public signals are below R and all points in their groups; whether the product is one as well
        bool ok;
        bool one;
        assembly {
            // X = IC_0 + sum IC_j s_j; a public signal is often zero
${store(X, IC, 2)}
            let value := calldataload(add(a, 0x20))
            // -A; the precompile sees -y, so y itself must be checked here
            ok := lt(value, modulus)
            mstore(${hex(PROOFS)}, calldataload(a))
            mstore(${hex(PROOFS + 32)}, mod(sub(modulus, value), modulus))
            calldatacopy(${hex(PROOFS + 64)}, b, 0x80)
            calldatacopy(${hex(C)}, c, 0x40)
${publics > MAX_WRITTEN_OUT ? listed : terms.map(({ one }) => one).join("\n")}
            // alpha, beta
${store(ALPHA, 0, 6)}
            // gamma
${store(X + 64, 6, 4)}
            // delta
${store(C + 64, 10, 4)}
            if ok {
                ok := staticcall(362000, 0x08, ${hex(ALPHA)}, 0x300, 0x00, 0x20)
                one := and(ok, mload(0x00))
            }
        }
        if (one) return;
        uint256[] calldata list;
        assembly {
            list.offset := publics
            list.length := ${publics}
        }
        _refuse(list, ok);
    }

    /// @inheritdoc PlainGroth16
    function _writeKey() internal pure override {
        assembly {
${store(ALPHA, 0, 6)}
${store(X + 64, 6, 4)}
${store(C + 64, 10, 4)}
        }
    }

    /// @inheritdoc PlainGroth16
    function _writeConstant() internal pure override {
        assembly {
${store(X, IC, 2)}
        }
    }

    /// @inheritdoc PlainGroth16
    function _addTerms(uint256 weights) internal view override {
${terms.map(({ batch }) => batch).join("\n")}
    }
}
`;
}

// Addresses of the pairs in `src/PlainGroth16.sol`, and where the IC points begin among the words of a key.
const ALPHA = 0x80;
const X = 0x140;
const C = 0x200;
const PROOFS = 0x2c0;
const WEIGHTS = 0x380;
const IC = 14;

function hex(address: number): string {
	return `0x${address.toString(16).padStart(3, "0")}`;
}

const HEAD = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n";

/** `src/PlainGroth16.sol` and what it imports, without their heads. */
function inlined(): string {
	const bodies = ["BN254", "PlainGroth16"].map((name) => {
		const text = readFileSync(join(root, "src", `${name}.sol`), "utf8");
		return text
			.replace(HEAD, "")
			.replace(/^import .*;\n/gm, "")
			.trim();
	});
	return [HEAD, ...bodies.map((body) => `${body}\n`)].join("\n");
}

/** The key's points, one word a coordinate: alpha, beta, gamma, delta, IC; G2 imaginary part first. */
function packPlainKey(key: PlainVerificationKey): string[] {
	const { IC } = key;
	if (!Array.isArray(IC) || IC.length < 2)
		throw new PlainKeyRefused("no public signal", "expected at least one public signal, got none: the proof would be about nothing");
	if (IC.length - 1 > MAX_PUBLICS) {
		throw new PlainKeyRefused(
			"too many public signals",
			`expected at most ${MAX_PUBLICS} public signals, which fit a contract, got ${IC.length - 1}`,
		);
	}
	const [beta, gamma, delta] = (["vk_beta_2", "vk_gamma_2", "vk_delta_2"] as const).map((name) => g2(name, key[name])) as [G2, G2, G2];
	if (delta.equals(gamma)) {
		throw new PlainKeyRefused(
			"delta is gamma",
			"expected delta other than gamma, got the same: nobody has contributed to this key, anybody can forge proofs",
		);
	}
	if (delta.equals(G2.BASE))
		throw new PlainKeyRefused("delta is the generator", "expected delta other than the generator of G2, got it: its secret is 1");
	const alpha = g1("vk_alpha_1", key.vk_alpha_1);
	const words = [g1Words(alpha), ...[beta, gamma, delta].map(g2Words), ...IC.map((point, i) => g1Words(g1(`IC[${i}]`, point)))].flat();
	return words.map((word) => `0x${word.toString(16).padStart(64, "0")}`);
}

function g1Words(point: G1): bigint[] {
	const { x, y } = point.toAffine();
	return [x, y];
}

function g2Words(point: G2): bigint[] {
	const { x, y } = point.toAffine();
	return [x.c1, x.c0, y.c1, y.c0];
}

function g1(name: string, value: readonly string[]): G1 {
	const [x, y, z] = numbers(name, value, 3) as [bigint, bigint, bigint];
	checkAffine(name, z === 0n || (x === 0n && y === 0n), z === 1n);
	return validPoint(name, () => G1.fromAffine({ x, y }));
}

function g2(name: string, value: readonly (readonly string[])[]): G2 {
	if (!Array.isArray(value) || value.length !== 3)
		throw new PlainKeyRefused("shape", `expected three pairs of ${name}, got ${JSON.stringify(value)}`);
	const [x, y, z] = value.map((pair) => numbers(name, pair, 2)) as [bigint[], bigint[], bigint[]];
	const isZero = (pair: readonly bigint[]) => pair.every((part) => part === 0n);
	checkAffine(name, isZero(z) || (isZero(x) && isZero(y)), z[0] === 1n && z[1] === 0n);
	const pair = ([c0, c1]: readonly bigint[]) => ({ c0: c0 as bigint, c1: c1 as bigint });
	return validPoint(name, () => G2.fromAffine({ x: pair(x), y: pair(y) }));
}

function checkAffine(name: string, isInfinity: boolean, isAffine: boolean): void {
	if (isInfinity) throw new PlainKeyRefused("infinity", `expected ${name} not to be the point at infinity, got it`);
	if (!isAffine) throw new PlainKeyRefused("shape", `expected ${name} with 1 as its last coordinate, got another`);
}

/** A point on its curve and in its group, with coordinates below q. */
function validPoint<Point extends G1 | G2>(name: string, read: () => Point): Point {
	try {
		const point = read();
		point.assertValidity();
		return point;
	} catch (cause) {
		throw new PlainKeyRefused("point", `expected ${name} to be a point of its group, got ${(cause as Error).message}`);
	}
}

function numbers(name: string, value: readonly string[], count: number): bigint[] {
	const good = Array.isArray(value) && value.length === count && value.every((text) => /^[0-9]{1,78}$/.test(String(text)));
	if (!good) throw new PlainKeyRefused("shape", `expected ${count} decimal numbers of ${name}, got ${JSON.stringify(value)}`);
	return value.map((text) => BigInt(text));
}
