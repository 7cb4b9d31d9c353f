/** Kernels in WGSL: a body with the declarations that every kernel needs. */

export type Scalar = "u32" | "i32" | "f32";

/** A storage buffer: how it is used, and its elements. Bytes are stored dense, four to a u32, the first one lowest. */
export type Binding = `${"read" | "read_write"} ${Scalar | "vec2<u32>" | "atomic<u32>"}`;

/** @typeParam B - names of the storage buffers, @typeParam P - names of the parameters */
export interface Kernel<B extends string = string, P extends string = string> {
	/** Unique, variants included: what a compiled kernel is found by. */
	readonly name: string;
	/** Arrays by name, as the body calls them. Those that are read may be one buffer. */
	readonly bindings: Readonly<Record<B, Binding>>;
	/** Scalars by name, `params.x` in the body. */
	readonly params: Readonly<Record<P, Scalar>>;
	/** Functions and workgroup variables. */
	readonly declarations?: string;
	/** What a thread does: `t` is its number in a workgroup, `group` and `groups` the number and count of workgroups. */
	readonly body: string;
}

/** Threads of a workgroup. */
export const THREADS = 256;

/** The number of a workgroup in the first two dimensions; those from the last one on have nothing to do. */
export const GROUP = "(group.y * groups.x + group.x)";

/** A kernel that runs once for each i below `params.length`. */
export function eachOf<B extends string, P extends string>(kernel: Kernel<B, P>): Kernel<B, P | "length"> {
	return {
		...kernel,
		params: { ...kernel.params, length: "u32" } as Kernel<B, P | "length">["params"],
		body: `let i = ${GROUP} * ${THREADS}u + t;\nif (i >= params.length) { return; }\n${kernel.body}`,
	};
}

/** The whole module. */
export function sourceOf({ bindings, params, declarations = "", body }: Kernel): string {
	const arrays = Object.entries(bindings).map(([name, binding], at) => {
		const [access, element] = binding.split(" ");
		return `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<${element}>;`;
	});
	const scalars = Object.entries(params).map(([name, scalar]) => `${name}: ${scalar}`);
	return `
${arrays.join("\n")}
struct Params { ${scalars.join(", ")} }
@group(1) @binding(0) var<uniform> params: Params;
${declarations}
@compute @workgroup_size(${THREADS})
fn main(
	@builtin(local_invocation_index) t: u32,
	@builtin(workgroup_id) group: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
) {
${body}
}`;
}

/** `unsignedByte(word, at)` and `signedByte`: byte `at` of an array, from its word; `packBytes`: the word of four. */
export const BYTES = /* wgsl */ `
fn unsignedByte(word: u32, at: u32) -> i32 { return i32(extractBits(word, 8u * (at & 3u), 8u)); }
fn signedByte(word: u32, at: u32) -> i32 { return extractBits(bitcast<i32>(word), 8u * (at & 3u), 8u); }
fn packBytes(bytes: vec4<i32>) -> u32 {
	let low = vec4<u32>(bytes) & vec4<u32>(255u);
	return low.x | (low.y << 8u) | (low.z << 16u) | (low.w << 24u);
}`;

/** The bytes of any array, not copied. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
	return new Uint8Array(buffer, byteOffset, byteLength);
}
