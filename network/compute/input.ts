/**
 * What a job takes: bytes named by their SHA-256, which are in the job itself, in the worker's folder of contents, or in a file of the worker's
 * machine. Wherever they are found, bytes of another digest are refused.
 */
import { DataError } from "../../compute/errors.ts";
import { CONTENT_DIGEST, type ContentDigest, type ContentFolder, contentDigest, readContent } from "./content.ts";

export interface Input {
	readonly sha256: ContentDigest;
	/** Base64 of at most {@link MAX_INLINE} bytes: the input travels with the job. */
	readonly inline?: string;
	/** Absolute path on the worker's machine, where the folder of contents does not have the input. */
	readonly path?: string;
}

/** The most bytes of an input that travels with its job. */
export const MAX_INLINE = 2 ** 20;

/** Small bytes as an input that travels with its job. @throws {DataError} PARAMETER_OUT_OF_RANGE above MAX_INLINE */
export function inlineInput(bytes: Uint8Array): Input {
	return checkInput("input", { sha256: contentDigest(bytes), inline: Buffer.from(bytes).toString("base64") });
}

/**
 * Refuse what is no input.
 * @param name - of the field, for messages
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function checkInput(name: string, value: unknown): Input {
	const { sha256, inline, path } = (value ?? {}) as Partial<Record<keyof Input, unknown>>;
	const refuse = (expected: string, got: unknown): never => {
		throw new DataError("PARAMETER_OUT_OF_RANGE", `job: ${name}: expected ${expected}, got ${String(got)}`, HINT);
	};
	if (typeof sha256 !== "string" || !CONTENT_DIGEST.test(sha256)) return refuse("a SHA-256 as 64 lower-case hexadecimal digits", sha256);
	if (path !== undefined && (typeof path !== "string" || !/^(\/|[A-Za-z]:[\\/])/.test(path) || path.length > 4096)) {
		return refuse("an absolute path of at most 4,096 characters", path);
	}
	if (inline === undefined) return { sha256, ...(path === undefined ? {} : { path }) };
	if (typeof inline !== "string") return refuse("base64", typeof inline);
	const bytes = Buffer.from(inline, "base64");
	if (bytes.toString("base64") !== inline) return refuse("base64", "other text");
	if (bytes.length > MAX_INLINE) return refuse(`at most ${MAX_INLINE} bytes in the job`, bytes.length);
	const got = contentDigest(bytes);
	if (got !== sha256) return refuse(`bytes of SHA-256 ${sha256}`, got);
	return { sha256, inline, ...(path === undefined ? {} : { path }) };
}

const HINT = "Name inputs by digest, and give bytes in the job, in the folder of contents, or under an absolute path.";

/**
 * The bytes of an input.
 * @throws {DataError} FILE_MISSING where it is nowhere; FILE_UNREADABLE; FILE_DAMAGED for bytes of another digest
 */
export async function readInput({ sha256, inline, path }: Input, contents: ContentFolder): Promise<Uint8Array> {
	if (inline !== undefined) return Buffer.from(inline, "base64");
	if (path === undefined || (await contents.has(sha256))) return contents.read(sha256);
	return readContent(path, sha256);
}
