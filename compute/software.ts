/** Processors that play a GPU. */

const NAMES = /llvmpipe|lavapipe|softpipe|swiftshader|swrast|software|basic render/i;

/** Whether a device or its driver, as they name themselves, is a program on the processor and no GPU. */
export function isSoftware(...names: readonly string[]): boolean {
	return names.some((name) => NAMES.test(name));
}
