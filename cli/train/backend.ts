/** What trains: backends by name, loaded when they are asked for. */
import { Option } from "commander";
import type { Backend } from "../../compute/backend.ts";

export const BACKENDS = ["reference", "wasm"] as const;

export function openBackend(name: string): Promise<Backend> {
	return OPEN[name as keyof typeof OPEN]();
}

const OPEN: Readonly<Record<(typeof BACKENDS)[number], () => Promise<Backend>>> = {
	reference: async () => (await import("../../compute/reference/backend.ts")).openReference(),
	wasm: async () => (await import("../../compute/wasm/backend.ts")).openWasm(),
};

export function backendOption(description: string): Option {
	return new Option("--backend <name>", description).choices(BACKENDS);
}
