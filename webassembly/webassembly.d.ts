/** What is used of WebAssembly beyond the declarations of Node. */
declare namespace WebAssembly {
	class Instance {
		constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
		get exports(): Readonly<Record<string, unknown>>;
	}
	function validate(bytes: ArrayBufferView | ArrayBuffer): boolean;
}
