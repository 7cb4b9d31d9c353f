/** `openledger compute tune`: tries each backend in a process of its own and stores what it is worth. */
import { Command, InvalidArgumentError } from "commander";
import type { BackendName } from "../../compute/backend.ts";
import { BACKENDS, backendName } from "../../compute/open.ts";
import { tune } from "../../compute/selection/tuning.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit.ts";
import { integer } from "../pool/place.ts";
import { computeProfilePath } from "./place.ts";
import { report } from "./report.ts";

interface Flags {
	backend?: BackendName;
	timeout: number;
}

export function tuneCommand(context: CommandContext): Command {
	return new Command("tune")
		.description("ask each backend known answers, measure its kernels, and store a profile by device and driver")
		.option("--backend <name>", `this one alone: ${BACKENDS.join(", ")}; exit code 1 if it is not exact here`, backend)
		.option("--timeout <s>", "end a backend that takes longer", integer(1, 86_400), 120)
		.action(async ({ backend, timeout }: Flags) => {
			await context.run("openledger.compute.tune.v1", async ({ progress, signal }) => {
				const path = computeProfilePath();
				const { entries, profile } = await tune({
					path,
					signal,
					timeoutMs: 1000 * timeout,
					...(backend ? { names: [backend] } : {}),
					onProgress: (done, total, note) => progress({ phase: "trials", done, total, note }),
				});
				const isRefused = backend !== undefined && entries.some(({ verdict }) => verdict.status !== "exact");
				const text = `${report(profile)}\n\n${path}`;
				return { result: { path, tried: entries, profile }, text, exit: isRefused ? EXIT.invalid : EXIT.ok };
			});
		});
}

/** A backend of the command line. */
export function backend(text: string): BackendName {
	try {
		return backendName(text);
	} catch (error) {
		throw new InvalidArgumentError((error as Error).message);
	}
}
