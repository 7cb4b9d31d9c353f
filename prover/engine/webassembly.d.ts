/** What the engine uses beyond the declarations of this room. */
declare namespace WebAssembly {
	function validate(bytes: ArrayBufferView | ArrayBuffer): boolean;
}
