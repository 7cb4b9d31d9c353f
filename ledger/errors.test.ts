import { describe, expect, it } from "vitest";
import { Deployer, interfaces, verifierInterface } from "./contracts.ts";
import { decodeError, LedgerError, revertError } from "./errors.ts";

/** Arguments that fit any input of our errors. */
const sample = (type: string) =>
	type === "address" ? `0x${"1".repeat(40)}` : type === "bytes32" ? `0x${"2".repeat(64)}` : type === "string" ? "s" : 1;

describe("decodeError", () => {
	it("has a remedy for every custom error of every contract", () => {
		let count = 0;
		for (const abi of [...Object.values(interfaces), Deployer.createInterface(), verifierInterface]) {
			abi.forEachError((fragment) => {
				const data = abi.encodeErrorResult(
					fragment,
					fragment.inputs.map(({ type }) => sample(type)),
				);
				const error = revertError(data);
				expect(error.revert?.name).toBe(fragment.name);
				expect(error.hint, fragment.name).not.toMatch(/documentation|undefined/);
				expect(Object.keys(error.revert?.args ?? {})).toEqual(fragment.inputs.map(({ name }) => name));
				count += 1;
			});
		}
		expect(count).toBeGreaterThan(70);
	});

	it("reads Solidity's own reasons", () => {
		expect(revertError(`0x4e487b71${"11".padStart(64, "0")}`).revert).toEqual({ name: "Panic", args: { code: 17n } });
	});

	it("keeps data that it does not know", () => {
		expect(revertError("0x12345678")).toMatchObject({ code: "transaction.reverted", revert: undefined });
		expect(revertError(interfaces.EpochBook.getError("WrongPhase")?.selector as string).revert).toBeUndefined();
		expect(revertError("0x").message).toContain("no reason");
	});

	it.each([
		[{ code: "ECONNREFUSED", message: "connect ECONNREFUSED 127.0.0.1:1" }, "node.unreachable"],
		[{ code: "NONCE_EXPIRED", message: "nonce has already been used" }, "transaction.nonce"],
		[
			{ code: "UNKNOWN_ERROR", message: "could not coalesce error", error: { code: -32003, message: "nonce too low" } },
			"transaction.nonce",
		],
		[
			{ code: "UNKNOWN_ERROR", message: "could not coalesce error", error: { code: -32000, message: "Insufficient funds for gas" } },
			"transaction.funds",
		],
		[{ code: "REPLACEMENT_UNDERPRICED", message: "replacement fee too low" }, "transaction.fee"],
		[{ code: "TIMEOUT", message: "request timeout" }, "node.unreachable"],
		[{ code: "INVALID_ARGUMENT", message: "invalid address" }, "input.invalid"],
		[{ code: "BAD_DATA", message: "could not decode result data" }, "deployment.invalid"],
		[{ name: "AbortError", code: "ABORT_ERR", message: "aborted" }, "aborted"],
		[{ code: "CALL_EXCEPTION", message: "missing revert data", data: null }, "transaction.reverted"],
		["a string", "unknown"],
	])("sorts %j as %s", (thrown, code) => {
		expect(decodeError(thrown)).toMatchObject({ code, name: "LedgerError" });
	});

	it("passes its own errors on", () => {
		const error = new LedgerError("aborted", "stopped", { hint: "Run again." });
		expect(decodeError(error)).toBe(error);
	});
});
