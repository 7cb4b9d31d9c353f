/** Private keys come from the environment: they never stand on the command line, and are never printed or stored. */
import { UsageError } from "./exit.ts";

/**
 * The private key in an environment variable.
 *
 * @param name of the variable
 * @throws UsageError when there is no such variable or it holds something else
 */
export function keyOf(name: string | undefined): string {
	const key = name === undefined ? undefined : process.env[name];
	if (key === undefined || !/^0x[0-9a-fA-F]{64}$/.test(key)) {
		throw new UsageError(
			`--key: expected the name of an environment variable with a private key (0x and 64 hex digits), got ${name === undefined ? "nothing" : `${name}, which ${key === undefined ? "is not set" : "holds something else"}`}`,
			"Set the variable and give its name, so that the key does not stand on the command line.",
		);
	}
	return key;
}
