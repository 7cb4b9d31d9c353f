/** What the engine uses beyond the declarations of this room. */
declare namespace WebAssembly {
	class Instance {
		constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
		get exports(): Readonly<Record<string, unknown>>;
	}
	function validate(bytes: ArrayBufferView | ArrayBuffer): boolean;
}
