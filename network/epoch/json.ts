/** Canonical JSON, digests of it, and files that are there whole or not at all. */
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import canonicalize from "canonicalize";
import { writeWhole as writeWholeFile } from "../../compute/whole-file.ts";
import { EpochError } from "./errors.ts";

export type Hex = `0x${string}`;

/** keccak256 of `value` as canonical JSON (RFC 8785). */
export function jsonDigest(value: unknown): Hex {
	return keccakHex(utf8ToBytes(canonicalize(value) as string));
}

export function keccakHex(bytes: Uint8Array): Hex {
	return `0x${bytesToHex(keccak_256(bytes))}`;
}

/** Writes a file, and the folders above it, whole or not at all. @throws DataError DISK_FULL */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
	await mkdir(dirname(path), { recursive: true });
	await writeWholeFile(path, content);
}

export async function writeJson(path: string, value: unknown): Promise<void> {
	await writeWhole(path, `${JSON.stringify(value, null, "\t")}\n`);
}

/** The parsed file, or undefined when there is none. @throws EpochError FILE_DAMAGED when it is no JSON */
export async function readJson(path: string): Promise<unknown> {
	let text: string;
	try {
		text = await readFile(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") {
			return undefined;
		}
		throw error;
	}
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new EpochError(
			"FILE_DAMAGED",
			`${path}: expected JSON, got ${(error as Error).message}`,
			"Restore the file, or delete the folder and run again.",
			error,
		);
	}
}
