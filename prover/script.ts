/** Scripts of this room that run on their own, in a thread or a process. */

/**
 * @param module `import.meta.url` of the module that starts the script
 * @param name file name without its ending, in the module's folder
 * @returns address of the TypeScript source, or of the JavaScript where the package was built
 */
export function scriptBeside(module: string, name: string): URL {
	return new URL(`./${name}${module.endsWith(".ts") ? ".ts" : ".js"}`, module);
}
