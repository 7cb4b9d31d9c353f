// Toy keys with known secrets, for tests: `node verifier-contracts/test/vectors/make.ts` writes the Solidity files beside it.
//
// A Groth16 key is a handful of scalars times the generators. Who knows the scalars can simulate: choose A and D freely and
// solve the equation for C. Such proofs are real ones to the verifier, for any publics and context, so the tests run true
// verifiers with no circuit behind them. `Simulator.sol` does that in Solidity; this file does it a second time in
// TypeScript, with its own reading of the transcript, for the fixed vectors in `Vectors.sol`.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { type PlainVerificationKey, renderPlainVerifier } from "../../template/plain.ts";
import { circuitIdOf, type G1, type G2, renderVerifier, type VerificationKey } from "../../template/verifier.ts";

const Fr = bn254.fields.Fr;
const g1 = bn254.G1.Point.BASE;
const g2 = bn254.G2.Point.BASE;

/** The secrets of a toy key. */
interface Trapdoor {
	readonly alpha: bigint;
	readonly beta: bigint;
	readonly delta: bigint;
	readonly sigma: bigint;
	readonly ic: readonly bigint[];
}

interface Toy {
	readonly name: string;
	readonly key: VerificationKey;
	readonly trapdoor: Trapdoor;
}

const toys: Toy[] = [
	toy("Contribution", ["rowsCommit", "statsCommit", "n"], [], false),
	toy("Query", ["rowsCommit", "statsCommit", "n"], [], false),
	toy("Total", ["n"], ["totalAt"], true),
	toy("QueryTotal", ["n"], ["totalAt"], true),
	toy("Optimum", ["modelCommit", "manifestDigest", "n"], ["totalAt"], false),
	toy("Score", ["previousScores", "scoreCommit", "n"], ["totalAt", "pathAt"], true),
	toy("Attribution", ["n", "queryN"], ["totalAt", "queryAt", "pathAt"], false),
	toy("Payout", ["previousScores", "scoreCommit", "first", "pool", "positive", "pagePositive", "paid"], [], true),
	toy("Dispute", ["submission", "original", "rows"], [], false, "dispute-toy"),
];

for (const { name, key } of toys) {
	const source = renderVerifier(key, `Toy${name}Verifier`).replace('"../src/', '"../../src/');
	write(`Toy${name}Verifier.sol`, `// Written by make.ts.\n${source}`);
}
/** Plain keys, by the name of their verifier and the number of public signals. */
const plainToys = [plainToy("ToyPlainVerifier", 1), plainToy("ToyPlainManyVerifier", 3), plainToy("ToyPlainListVerifier", 25)];
for (const { name, key } of plainToys) {
	write(`${name}.sol`, `// Written by make.ts.\n${renderPlainVerifier(key, name, "../../src/PlainGroth16.sol")}`);
}
write("Trapdoors.sol", trapdoors());
write("Vectors.sol", vectors());

function toy(name: string, publics: string[], links: string[], hasWords: boolean, id?: string): Toy {
	const statement = name.replace(/\B[A-Z]/g, "-$&").toLowerCase();
	const secret = (part: string) => scalar(`${name}/${part}`);
	const ic = Array.from({ length: publics.length + links.length + (hasWords ? 3 : 2) }, (_, i) => secret(`ic${i}`));
	const trapdoor = { alpha: secret("alpha"), beta: secret("beta"), delta: secret("delta"), sigma: secret("sigma"), ic };
	const draft: VerificationKey = {
		schema: "openledger.vkey.v1",
		statement,
		id: id ?? `toy-${statement}`,
		circuitId: "0x",
		development: true,
		publics,
		links,
		hasWords,
		alpha: point1(trapdoor.alpha),
		beta: point2(trapdoor.beta),
		gamma: point2(1n),
		delta: point2(trapdoor.delta),
		sigma: point2(trapdoor.sigma),
		ic: ic.map(point1),
	};
	return { name, key: { ...draft, circuitId: circuitIdOf(draft) }, trapdoor };
}

function plainToy(name: string, publics: number) {
	const secret = (part: string) => scalar(`${name}/${part}`);
	const ic = Array.from({ length: publics + 1 }, (_, i) => secret(`ic${i}`));
	const trapdoor = { alpha: secret("alpha"), beta: secret("beta"), delta: secret("delta"), sigma: 0n, ic };
	const key: PlainVerificationKey = {
		vk_alpha_1: [...point1(trapdoor.alpha), "1"],
		vk_beta_2: [...point2(trapdoor.beta), ["1", "0"]],
		vk_gamma_2: [...point2(1n), ["1", "0"]],
		vk_delta_2: [...point2(trapdoor.delta), ["1", "0"]],
		IC: ic.map((value) => [...point1(value), "1"]),
	};
	return { name, key, trapdoor };
}

/** The key as its contract says it. */
function packPlain(key: PlainVerificationKey): Uint8Array {
	const reversed = (point: readonly (readonly string[])[]) => point.slice(0, 2).flatMap((pair) => pair.toReversed());
	const g2Words = [key.vk_beta_2, key.vk_gamma_2, key.vk_delta_2].flatMap(reversed);
	const words = [...key.vk_alpha_1.slice(0, 2), ...g2Words, ...key.IC.flatMap((point) => point.slice(0, 2))];
	return concatBytes(...words.map((value) => word(BigInt(value))));
}

/** What a proof is about. */
interface Claim {
	readonly context: Uint8Array;
	readonly publics: bigint[];
	readonly links: bigint[];
	readonly words: bigint[];
}

/** The digest of a proof whose commitment is opened by the scalar "v". */
function digest({ key }: Toy, { context, publics, words }: Claim): Uint8Array {
	const tag = keccak_256(utf8ToBytes("openledger.challenge.v1"));
	const circuit = hexToBytes(key.circuitId.slice(2));
	const numbers = [...point1(scalar("v")).map(BigInt), ...publics].map(word);
	return keccak_256(concatBytes(tag, circuit, context, ...numbers, keccak_256(concatBytes(...words.map(word)))));
}

/** The 12 words of a simulated proof; `v` opens the commitment, `a` and `b` are A and B. */
function simulate(one: Toy, claim: Claim, transcript: Uint8Array[]): bigint[] {
	const { key, trapdoor } = one;
	const { publics, links, words } = claim;
	const [a, b, v] = [scalar("a"), scalar("b"), scalar("v")];
	const d = point1(v);
	const joint = keccak_256(utf8ToBytes("openledger.joint.v1"));
	const seed = transcript.length === 0 ? digest(one, claim) : keccak_256(concatBytes(joint, ...transcript));
	const z = Fr.create(BigInt(`0x${bytesToHex(seed)}`));
	const evaluation = words.reduce((sum, value, i) => Fr.add(sum, Fr.mul(value, Fr.pow(z, BigInt(i + 1)))), 0n);
	const signals = [1n, ...publics, ...links, ...(key.hasWords ? [evaluation] : []), z];
	const x = signals.reduce((sum, signal, i) => Fr.add(sum, Fr.mul(signal, trapdoor.ic[i] as bigint)), 0n);
	const c = Fr.div(Fr.create(a * b - trapdoor.alpha * trapdoor.beta - x - v), trapdoor.delta);
	const [[x0, x1], [y0, y1]] = point2(b);
	return [...point1(a), x1, x0, y1, y0, ...point1(c), ...d, ...point1(Fr.mul(trapdoor.sigma, v))].map(BigInt);
}

function trapdoors(): string {
	const all = [
		...toys.map(({ key, trapdoor }) => ({ id: key.circuitId, trapdoor })),
		...plainToys.map(({ key, trapdoor }) => ({ id: `0x${bytesToHex(keccak_256(packPlain(key)))}`, trapdoor })),
	];
	const cases = all.map(({ id, trapdoor }) => {
		const ic = trapdoor.ic.map((value, i) => `            t.ic[${i}] = ${value};`).join("\n");
		return `        if (id == ${id}) {
            t.alphaBeta = ${Fr.mul(trapdoor.alpha, trapdoor.beta)};
            t.deltaInverse = ${Fr.inv(trapdoor.delta)};
            t.sigma = ${trapdoor.sigma};
            t.ic = new uint256[](${trapdoor.ic.length});
${ic}
            return t;
        }`;
	});
	return `// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The secrets that a simulator needs; sigma is 0 for a plain key.
struct Trapdoor {
    uint256 alphaBeta;
    uint256 deltaInverse;
    uint256 sigma;
    uint256[] ic;
}

library Trapdoors {
    error NoTrapdoor(bytes32 id);

    /// @param id the circuit id, or for a plain key the hash of its points
    function open(bytes32 id) internal pure returns (Trapdoor memory t) {
${cases.join("\n")}
        revert NoTrapdoor(id);
    }
}
`;
}

/** Proofs made alone, and one of three made together. */
function vectors(): string {
	const context = keccak_256(utf8ToBytes("a context"));
	const functions = toys
		.filter(({ name }) => ["Contribution", "Score", "Payout"].includes(name))
		.map((one) => {
			const values = (what: string, names: readonly string[]) => names.map((_, i) => scalar(`${what}${i}`));
			const publics = values("public", one.key.publics);
			const links = values("link", one.key.links);
			const words = one.key.hasWords ? [0n, 1n, scalar("word"), Fr.ORDER - 1n] : [];
			const claim = { context, publics, links, words };
			const joint = links.length > 0;
			const [before, after] = [keccak_256(utf8ToBytes("before")), keccak_256(utf8ToBytes("after"))];
			const transcript = joint ? [before, digest(one, claim), after] : [];
			const p = simulate(one, claim, transcript);
			const list = (items: (bigint | string)[], target: string, type = "uint256") =>
				[`        ${target} = new ${type}[](${items.length});`, ...items.map((v, i) => `        ${target}[${i}] = ${v};`)].join("\n");
			const digests = transcript.map((member) => `0x${bytesToHex(member)}`);
			const outputs = [
				"bytes32 context",
				...["publics", ...(joint ? ["links"] : []), "words"].map((name) => `uint256[] memory ${name}`),
				...(joint ? ["bytes32[] memory transcript"] : []),
				"Proof memory proof",
			];
			return `    function ${one.name.toLowerCase()}()
        internal
        pure
        returns (${outputs.join(", ")})
    {
        context = 0x${bytesToHex(context)};
${list(publics, "publics")}
${joint ? `${list(links, "links")}\n` : ""}${list(words, "words")}
${joint ? `${list(digests, "transcript", "bytes32")}\n` : ""}        proof.a = [uint256(${p[0]}), ${p[1]}];
        proof.b = [[uint256(${p[2]}), ${p[3]}], [uint256(${p[4]}), ${p[5]}]];
        proof.c = [uint256(${p[6]}), ${p[7]}];
        proof.commitment = [uint256(${p[8]}), ${p[9]}];
        proof.knowledge = [uint256(${p[10]}), ${p[11]}];
    }`;
		});
	return `// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Proof} from "../../src/IVerifier.sol";

library Vectors {
${functions.join("\n\n")}
}
`;
}

function scalar(label: string): bigint {
	return Fr.create(BigInt(`0x${bytesToHex(keccak_256(utf8ToBytes(`openledger toy ${label}`)))}`));
}

function point1(k: bigint): G1 {
	const { x, y } = g1.multiply(k).toAffine();
	return [x.toString(), y.toString()];
}

function point2(k: bigint): G2 {
	const { x, y } = g2.multiply(k).toAffine();
	return [
		[x.c0.toString(), x.c1.toString()],
		[y.c0.toString(), y.c1.toString()],
	];
}

function word(value: bigint): Uint8Array {
	return hexToBytes(value.toString(16).padStart(64, "0"));
}

function write(name: string, text: string): void {
	writeFileSync(join(import.meta.dirname, name), text);
}
