/** The script of a device's process; its argument is a task as JSON. */
import type { Backend, BackendName } from "../../compute/backend.ts";
import { DataError } from "../../compute/errors.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { openWasm } from "../../compute/wasm/backend.ts";
import { serve } from "./executor.ts";

async function openBackend(name: BackendName): Promise<Backend> {
	if (name === "reference") return openReference();
	if (name === "wasm") return openWasm();
	throw new DataError("NO_ADAPTER", `worker: expected reference or wasm, got ${name}`, "Choose one of these.");
}

await serve(JSON.parse(process.argv[2] as string), openBackend);
