/** Node.js, the processor and its memory. */
import { availableParallelism, cpus, totalmem } from "node:os";
import { byteArithmetic } from "../../compute/wasm/byte-arithmetic.ts";
import { BYTE_KERNELS, PAIR_KERNELS } from "../../compute/wasm/product-kernels.ts";
import { isValid } from "../../compute/wasm/workspace.ts";
import { type Check, size } from "./check.ts";

/** The oldest that runs TypeScript as it is. */
const OLDEST = [22, 18] as const;
/** What an epoch of the largest size that the README measures takes, and something for the rest. */
const LEAST_MEMORY = 2e9;

export function machineChecks(): Check[] {
	return [node(), processor(), memory()];
}

function node(): Check {
	const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
	const isPinned = /[\\/]node_modules[\\/]node-(bin-)?(linux|darwin|win)-/.test(process.execPath);
	return {
		what: "Node.js",
		ok: major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]),
		needed: true,
		found: `${process.version}${isPinned ? ", the pinned one" : ""} (${process.platform} ${process.arch})`,
		remedy: `Run \`npm install --include=optional\`, which brings a Node.js, or install ${OLDEST.join(".")} or newer.`,
	};
}

/** SIMD is what the backend `wasm` is made of. Relaxed SIMD makes its products of bytes twice as fast where it gives the right answers. */
function processor(): Check {
	const hasSimd = isValid(PAIR_KERNELS);
	const relaxed = !isValid(BYTE_KERNELS)
		? "no relaxed SIMD"
		: byteArithmetic().perWord === 4
			? "relaxed SIMD"
			: "relaxed SIMD gives other answers, so it is not used";
	return {
		what: "processor",
		ok: hasSimd,
		needed: true,
		found: `${cpus()[0]?.model.trim() ?? "unknown"}, ${availableParallelism()} threads, ${hasSimd ? `SIMD, ${relaxed}` : "no SIMD"}`,
		remedy: "Use a processor and a Node.js with WebAssembly SIMD (x64 since SSE4.1, or arm64).",
	};
}

function memory(): Check {
	// In a container its limit, not the machine's.
	const limit = process.constrainedMemory();
	const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
	return {
		what: "memory",
		ok: total >= LEAST_MEMORY,
		needed: true,
		found: `${size(total)}, ${size(process.availableMemory())} free`,
		remedy: `Use a machine or a container with at least ${size(LEAST_MEMORY)}.`,
	};
}
