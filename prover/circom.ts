/**
 * The circom compiler as a process of its own: `node circom.ts ARGUMENTS...`, paths absolute.
 *
 * Runs the WebAssembly of the package circom2 on Node's own WASI: the package's WASI reads addresses above 2 GB as negative numbers, so that
 * circuits of a million constraints end in a RangeError.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { WASI } from "node:wasi";

const wasm = createRequire(import.meta.url).resolve("circom2/circom.wasm");
const wasi = new WASI({
	version: "preview1",
	args: ["circom2", ...process.argv.slice(2)],
	preopens: { "/": "/" },
	returnOnExit: true,
});
const circom = await WebAssembly.compile(await readFile(wasm));
process.exitCode = wasi.start(
	await WebAssembly.instantiate(circom, wasi.getImportObject() as Parameters<typeof WebAssembly.instantiate>[1]),
);
