/** The backends that tests of what stands on them run on. */
import type { Backend } from "./backend.ts";
import { openReference } from "./reference/backend.ts";
import { openWasm } from "./wasm/backend.ts";
import { openWebgpu } from "./webgpu/backend.ts";
import { openForTests } from "./webgpu/testing.ts";

/** Whether there is a device here; where REQUIRE_WEBGPU is 1 there must be one. */
const device = await openForTests();
await device?.close();

/** Backends that every kernel is tested on, by name; to be closed. */
export const BACKENDS: readonly (readonly [string, () => Backend | Promise<Backend>])[] = [
	["reference", openReference],
	["wasm", openWasm],
	...(device ? [["webgpu", openWebgpu] as const] : []),
];
