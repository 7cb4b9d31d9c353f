/** Which backend a command computes on: that of `--backend`, or the one that `openledger compute tune` found best here. */
import { Option } from "commander";
import type { BackendName } from "../compute/backend.ts";
import { BACKENDS } from "../compute/open.ts";
import { type Purpose, type Selected, selectBackend } from "../compute/selection/choice.ts";
import { computeProfilePath } from "./compute/place.ts";

/** `--backend NAME`. @param otherwise - what happens without it */
export function backendOption(otherwise = "the fastest by `openledger compute tune`, wasm before it ran"): Option {
	return new Option("--backend <name>", `what computes (default: ${otherwise})`).choices(BACKENDS);
}

/** Open what the user asked for, or the best that is known. @throws {DataError} as `selectBackend` */
export function openBackendFor(purpose: Purpose, name: BackendName | undefined): Promise<Selected> {
	return selectBackend({ ...purpose, path: computeProfilePath(), name });
}
