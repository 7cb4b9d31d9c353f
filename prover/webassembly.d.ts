/** WebAssembly as far as this room uses it. The DOM library has the full types, but also a thousand names that Node lacks. */
declare namespace WebAssembly {
	class Module {
		constructor(bytes: ArrayBufferView | ArrayBuffer);
	}
	class Memory {
		constructor(descriptor: { initial: number; maximum?: number });
		constructor(descriptor: { initial: number; maximum: number; shared: boolean });
		readonly buffer: ArrayBuffer;
		grow(pages: number): number;
	}
	interface Instance {
		readonly exports: Readonly<Record<string, unknown>>;
	}
	function compile(bytes: ArrayBufferView | ArrayBuffer): Promise<Module>;
	function instantiate(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Promise<Instance>;
}
