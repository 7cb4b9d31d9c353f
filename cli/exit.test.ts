import { expect, test } from "vitest";
import { DataError, type DataErrorCode } from "../compute/errors.ts";
import { EXIT, failureOf } from "./exit.ts";

const exitOf = (code: DataErrorCode) => failureOf(new DataError(code, "m", "h"), false).exit;

test("errors of devices and disks are those of resources, a wrong answer is a result", () => {
	for (const code of ["NO_ADAPTER", "DEVICE_LOST", "DEVICE_ERROR", "OUT_OF_DEVICE_MEMORY", "DISK_FULL"] as const) {
		expect([code, exitOf(code)]).toEqual([code, EXIT.resources]);
	}
	expect(exitOf("INEXACT_BACKEND")).toBe(EXIT.invalid);
	expect(exitOf("SHAPE_MISMATCH")).toBe(EXIT.badInput);
	expect(exitOf("FILE_DAMAGED")).toBe(EXIT.artefact);
});

test("a disk that is full anywhere has its remedy", () => {
	const error = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
	expect(failureOf(error, false)).toEqual({
		exit: EXIT.resources,
		code: "ENOSPC",
		message: "ENOSPC: no space left on device, write",
		hint: "Free some space and run the same command again.",
	});
});
