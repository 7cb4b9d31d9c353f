/** Whether the code at an address is what the pinned compiler makes of our sources. */
import { dataLength, dataSlice } from "ethers";
import type { Artifact } from "../../verifier-contracts/solc.ts";

/**
 * Compares byte for byte. Immutables are left out (their values are the constructor's), but each must have one value wherever it stands.
 *
 * @param code from the chain
 * @returns "same", or what differs
 */
export function compareCode({ deployedBytecode, immutables }: Artifact, code: string): string {
	if (code === "0x") return "no code";
	const [expected, actual] = [dataLength(deployedBytecode), dataLength(code)];
	if (actual !== expected) return `${actual} bytes instead of ${expected}`;
	let masked = code;
	for (const places of Object.values(immutables)) {
		const values = places.map(({ start, length }) => dataSlice(code, start, start + length));
		if (new Set(values).size > 1) return `an immutable with several values: ${[...new Set(values)].join(", ")}`;
		for (const { start, length } of places) {
			masked = masked.slice(0, 2 + 2 * start) + "00".repeat(length) + masked.slice(2 + 2 * (start + length));
		}
	}
	if (masked.toLowerCase() === deployedBytecode.toLowerCase()) return "same";
	let position = 2;
	while (masked[position] === deployedBytecode[position]) position += 1;
	return `another byte at ${Math.floor((position - 2) / 2)}`;
}
